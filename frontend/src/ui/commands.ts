import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { type Command, CommandRegistry } from "@/core/commands";

/** The one registry of the page: keyboard, buttons, palette and help read it. */
export const registry = new CommandRegistry();

export const registryVersion = signal(0);
registry.subscribe(() => {
  registryVersion.value += 1;
});

/** Opens a scope while the component is on screen; what a command does is always its latest closure. */
export function useCommands(scope: string, commands: readonly Command[], options: { exclusive?: boolean } = {}): void {
  const latest = useRef(commands);
  latest.current = commands;
  const shape = commands
    .map(({ id, title, keys, release }) => `${id}|${title}|${keys}|${release === undefined}`)
    .join("\n");
  const exclusive = options.exclusive ?? false;
  // the scope is opened anew when its shape changes
  useLayoutEffect(() => {
    const now = (id: string) => latest.current.find((command) => command.id === id);
    const steady = latest.current.map((command) => ({
      ...command,
      when: () => now(command.id)?.when?.() ?? true,
      run: (letter?: string) => now(command.id)?.run(letter),
      ...(command.release === undefined ? {} : { release: () => now(command.id)?.release?.() }),
    }));
    return registry.open(scope, steady, { exclusive });
  }, [scope, shape, exclusive]);
}

/** Connects the registry to the window. */
export function listenToKeyboard(): () => void {
  const down = (event: KeyboardEvent): void => {
    if (!event.isComposing && registry.press(event)) event.preventDefault();
  };
  const up = (event: KeyboardEvent): void => registry.lift(event);
  const blur = (): void => registry.liftAll();
  window.addEventListener("keydown", down);
  window.addEventListener("keyup", up);
  window.addEventListener("blur", blur);
  return () => {
    window.removeEventListener("keydown", down);
    window.removeEventListener("keyup", up);
    window.removeEventListener("blur", blur);
  };
}
