import { useEffect, useState } from "preact/hooks";
import { fuzzySearch } from "@/core/fuzzy";
import { Kbd } from "@/ui/Button";
import { registry } from "@/ui/commands";
import { Dialog } from "@/ui/Dialog";

/** Everything that can be done here, by name. */
export function Palette({ onClose }: { onClose: () => void }) {
  const [commands] = useState(() =>
    registry
      .available()
      .filter(({ id, release }) => id !== "app.palette" && release === undefined)
      .map((command) => ({ ...command, name: command.title, synonyms: [], path: command.category })),
  );
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const found = fuzzySearch(typed, commands, 14);
  const take = (index: number): void => {
    const chosen = found[index];
    onClose();
    if (chosen) queueMicrotask(chosen.run);
  };
  useEffect(() => setAt(0), [typed]);
  return (
    <Dialog title="Do anything" onClose={onClose}>
      <input
        class="input"
        role="combobox"
        aria-label="Command"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={`palette-${at}`}
        data-focus
        autocomplete="off"
        placeholder="Type what you want to do"
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => {
          const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
          if (step !== undefined) setAt(Math.min(Math.max(at + step, 0), found.length - 1));
          else if (event.key === "Enter") take(at);
          else return;
          event.preventDefault();
        }}
      />
      {/* the input keeps the focus and points at the active option */}
      <div id="palette-list" role="listbox" aria-label="Commands" class="palette-list">
        {found.map((command, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive: as above
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are on the input
          <div
            key={command.id}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === at}
            class="picker-row"
            onClick={() => take(index)}
          >
            <span>{command.title}</span>
            <span class="picker-path">{command.category}</span>
            {command.keys[0] && <Kbd keys={command.keys[0]} />}
          </div>
        ))}
      </div>
    </Dialog>
  );
}
