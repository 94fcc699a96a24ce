import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { fuzzySearch, type Searchable } from "@/core/fuzzy";
import { Dot, parentsOf } from "./Category";
import "./picker.css";

export interface Pickable extends Searchable {
  readonly id: number;
  readonly hue: number;
}

interface PickerProps<T extends Pickable> {
  items: readonly T[];
  onPick: (item: T) => void;
  onClose: () => void;
  label: string;
  /** Shown before anything is typed. */
  recent?: readonly T[];
  /** What was typed already: the letter that opened it. */
  initial?: string;
}

/** Type-ahead over names, synonyms and parents: arrows move, Enter takes, Escape leaves. */
export function CategoryPicker<T extends Pickable>({
  items,
  onPick,
  onClose,
  label,
  recent = [],
  initial = "",
}: PickerProps<T>) {
  const [typed, setTyped] = useState(initial);
  const [at, setAt] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const list = useId();
  useLayoutEffect(() => input.current?.focus(), []);
  const found =
    typed.trim() === ""
      ? [...recent, ...items.filter((item) => !recent.includes(item))].slice(0, 12)
      : fuzzySearch(typed, items);

  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setAt((now) => Math.min(Math.max(now + step, 0), found.length - 1));
    else if (event.key === "Enter") {
      const chosen = found[at];
      if (chosen !== undefined) onPick(chosen);
    } else if (event.key === "Escape") onClose();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class="picker">
      <input
        ref={input}
        class="input"
        role="combobox"
        aria-label={label}
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={found[at] ? `${list}-${at}` : undefined}
        placeholder="Type a name, synonym or parent"
        autocomplete="off"
        spellcheck={false}
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        onBlur={(event) => {
          if (
            !(event.relatedTarget instanceof Node && event.currentTarget.parentElement?.contains(event.relatedTarget))
          )
            onClose();
        }}
      />
      {/* the input keeps the focus and points at the active option */}
      <div id={list} role="listbox" aria-label={label} class="picker-list">
        {found.map((item, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive: as above
          <div
            key={item.id}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === at}
            class="picker-row"
            onMouseDown={(event) => {
              event.preventDefault();
              onPick(item);
            }}
          >
            <Dot hue={item.hue} />
            <span class="picker-name">{item.name}</span>
            <span class="picker-path">{parentsOf(item.path)}</span>
          </div>
        ))}
        {found.length === 0 && <p class="picker-none">No category is called that.</p>}
      </div>
    </div>
  );
}
