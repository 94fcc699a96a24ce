import { Emitter } from "./emitter";
import { belongsToField, type KeyLike, keyNormalize, keyOf, pressesControl } from "./keymap";

/** What a person can do, said once: keyboard, buttons, palette and help all read this. */
export interface Command {
  readonly id: string;
  readonly title: string;
  readonly category: string;
  readonly keys: readonly string[];
  readonly when?: () => boolean;
  /** Takes every letter that no other command has, and is told which one it was. */
  readonly letters?: boolean;
  /** Goes on while its key is held down, as the arrows do. */
  readonly repeats?: boolean;
  readonly run: (letter?: string) => void;
  /** For keys that are held: runs when the key is let go. */
  readonly release?: () => void;
}

export interface RegisteredCommand extends Command {
  readonly scope: string;
}

export class KeyClashError extends Error {
  constructor(key: string, scope: string, first: string, second: string) {
    super(`Key ${key} in scope "${scope}" is already taken by "${first}"; give "${second}" another key.`);
    this.name = "KeyClashError";
  }
}

interface Scope {
  readonly name: string;
  /** A dialog silences everything beneath it. */
  readonly exclusive: boolean;
  readonly given: readonly Command[];
  readonly commands: Map<string, Command>;
}

export class CommandRegistry extends Emitter {
  #scopes: Scope[] = [];
  #overrides: Readonly<Record<string, readonly string[]>> = {};
  #held = new Map<string, Command>();

  /** Opens a scope with its commands on top of the others; returns how to close it. Throws KeyClashError. */
  open(name: string, commands: readonly Command[], options: { exclusive?: boolean } = {}): () => void {
    const scope: Scope = {
      name,
      exclusive: options.exclusive ?? false,
      given: commands,
      commands: this.#keyed(name, commands),
    };
    this.#scopes = [...this.#scopes, scope];
    this.changed();
    return () => {
      this.#scopes = this.#scopes.filter((other) => other.given !== commands);
      this.changed();
    };
  }

  /** A person's own keys, by command id: for what is open now, which keeps its order, and for what opens later. */
  rebind(overrides: Readonly<Record<string, readonly string[]>>): void {
    this.#overrides = overrides;
    this.#scopes = this.#scopes.map((scope) => ({ ...scope, commands: this.#keyed(scope.name, scope.given) }));
    this.changed();
  }

  /** Everything that can be done here and now, innermost scope first. */
  available(): RegisteredCommand[] {
    return this.#reachable().flatMap((scope) =>
      [...scope.commands.values()]
        .filter((command) => command.when?.() ?? true)
        .map((command) => ({ ...command, scope: scope.name })),
    );
  }

  /** Everything registered, whether it applies now or not: what the help lists. */
  all(): RegisteredCommand[] {
    return [...this.#scopes]
      .reverse()
      .flatMap((scope) => [...scope.commands.values()].map((command) => ({ ...command, scope: scope.name })));
  }

  keysOf(id: string): readonly string[] {
    return this.all().find((command) => command.id === id)?.keys ?? [];
  }

  run(id: string): boolean {
    const command = this.available().find((candidate) => candidate.id === id);
    command?.run();
    return command !== undefined;
  }

  forKey(key: string): Command | undefined {
    const wanted = keyNormalize(key);
    return this.available().find((command) => command.keys.includes(wanted));
  }

  /** Returns true when a command took the key, so that the browser's own act can be prevented. */
  press(event: KeyLike & { readonly repeat?: boolean; readonly target?: unknown }): boolean {
    if (belongsToField(event, event.target) || pressesControl(event, event.target)) return false;
    const command = this.forKey(keyOf(event)) ?? this.#forLetter(event);
    if (command === undefined) return false;
    const key = event.key.toLowerCase();
    if (command.release !== undefined) {
      if (this.#held.has(key)) return true;
      this.#held.set(key, command);
    } else if (event.repeat && !command.repeats && !key.startsWith("arrow")) {
      return true; // a key that is held down labels one image, not twenty
    }
    command.run(event.key);
    return true;
  }

  lift(event: { readonly key: string }): void {
    const key = event.key.toLowerCase();
    this.#held.get(key)?.release?.();
    this.#held.delete(key);
  }

  /** The window lost the keyboard: nothing is held any more. */
  liftAll(): void {
    for (const command of this.#held.values()) command.release?.();
    this.#held.clear();
  }

  #forLetter(event: KeyLike): Command | undefined {
    if (event.ctrlKey || event.metaKey || event.altKey || !/^\p{L}$/u.test(event.key)) return undefined;
    return this.available().find((command) => command.letters);
  }

  /** With a person's own keys; where those have come to clash, with the keys as given. */
  #keyed(scope: string, commands: readonly Command[]): Map<string, Command> {
    try {
      return withKeys(scope, commands, (command) => this.#overrides[command.id] ?? command.keys);
    } catch (error) {
      if (!(error instanceof KeyClashError)) throw error;
      return withKeys(scope, commands, (command) => command.keys);
    }
  }

  #reachable(): Scope[] {
    const reachable: Scope[] = [];
    for (const scope of [...this.#scopes].reverse()) {
      reachable.push(scope);
      if (scope.exclusive) break;
    }
    return reachable;
  }
}

function withKeys(
  scope: string,
  commands: readonly Command[],
  keysOf: (command: Command) => readonly string[],
): Map<string, Command> {
  const taken = new Map<string, string>();
  const keyed = new Map<string, Command>();
  for (const command of commands) {
    const keys = keysOf(command).map(keyNormalize);
    if (keyed.has(command.id)) throw new Error(`Command "${command.id}" is registered twice in "${scope}".`);
    for (const key of keys) {
      const owner = taken.get(key);
      if (owner !== undefined) throw new KeyClashError(key, scope, owner, command.id);
      taken.set(key, command.id);
    }
    keyed.set(command.id, { ...command, keys });
  }
  return keyed;
}
