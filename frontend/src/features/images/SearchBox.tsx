import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "@/ui/Button";
import { useCommands } from "@/ui/commands";
import { Icon } from "@/ui/Icon";
import type { View } from "./filters";

interface SearchProps {
  view: View;
  go: (next: Partial<View>) => void;
  /** Whether the encoder reads words; without it only file names can be searched. */
  meaning: boolean;
}

export function SearchBox({ view, go, meaning }: SearchProps) {
  const current = view.text || view.filters.search || "";
  const [typed, setTyped] = useState(current);
  const [byName, setByName] = useState(view.filters.search !== undefined);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setTyped(current), [current]);
  useCommands("browse", [
    {
      id: "browse.search",
      title: "Search images",
      category: "This page",
      keys: ["/"],
      run: () => input.current?.focus(),
    },
  ]);
  const names = byName || !meaning;
  const submit = (text: string, asName: boolean): void => {
    const { search: _, ...others } = view.filters;
    if (asName) go({ text: "", like: null, filters: text === "" ? others : { ...others, search: text } });
    else go({ text, like: null, filters: others });
  };
  return (
    <search>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          submit(typed.trim(), names);
        }}
      >
        <span class="search-field">
          <Icon name="search" />
          <input
            ref={input}
            class="input"
            aria-label="Search images"
            placeholder={names ? "Part of a file name" : "Describe what the image shows"}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
            onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
          />
        </span>
        {meaning && (
          <div class="segments">
            {[false, true].map((choice) => (
              <label key={String(choice)}>
                <input
                  type="radio"
                  name="search-by"
                  checked={byName === choice}
                  onChange={() => {
                    setByName(choice);
                    if (typed.trim() !== "") submit(typed.trim(), choice);
                  }}
                />
                <span>{choice ? "by file name" : "by what it shows"}</span>
              </label>
            ))}
          </div>
        )}
        {(current !== "" || view.like !== null) && (
          <Button kind="quiet" icon="close" onClick={() => submit("", true)}>
            Clear
          </Button>
        )}
      </form>
    </search>
  );
}
