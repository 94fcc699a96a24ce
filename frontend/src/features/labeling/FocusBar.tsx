import type { Taxonomy } from "@/api/shared";
import type { Suggestion } from "@/api/types";
import { probability } from "@/core/format";
import type { Exception, Sheet } from "@/core/sheet";
import { Button, CommandKey } from "@/ui/Button";
import { Dot } from "@/ui/Category";

interface FocusBarProps {
  own: readonly Suggestion[];
  sheet: Sheet;
  said: Exception | undefined;
  taxonomy: Taxonomy;
  toggle: (at: number, kind: "strike" | "skip" | "flag") => void;
  give: (category: number) => void;
  type: (letter: string) => void;
}

/** What can be said about the tile under the caret, each with its key. */
export function FocusBar({ own, sheet, said, taxonomy, toggle, give, type }: FocusBarProps) {
  return (
    <div class="focus-bar" role="toolbar" aria-label="This tile" onMouseDown={stayOnTheTiles}>
      <div class="focus-own">
        {own.map((suggestion, rank) => {
          const category = taxonomy.byId.get(suggestion.category);
          if (category === undefined) return null;
          const chosen = said?.kind === "label" && said.category === category.id;
          return (
            <button
              key={category.id}
              type="button"
              class="focus-choice"
              aria-pressed={chosen}
              title={category.definition || category.path}
              onClick={() => give(category.id)}
            >
              <CommandKey command={`label.suggestion${rank + 1}`} />
              <Dot hue={category.hue} />
              <span class="focus-name">{category.name}</span>
              {suggestion.probability >= 0.005 && <span class="focus-p">{probability(suggestion.probability)}</span>}
            </button>
          );
        })}
        <button type="button" class="focus-choice" onClick={() => type("")}>
          <CommandKey command="label.type" />
          <span class="focus-name">{own.length > 0 ? "another" : "what it is"}</span>
        </button>
      </div>
      <div class="focus-acts">
        {(["strike", "skip", "flag"] as const).map((kind) => (
          <Button
            key={kind}
            kind="quiet"
            command={kind === "strike" ? "page.strike" : `label.${kind}`}
            aria-pressed={said?.kind === kind}
            onClick={() => toggle(sheet.focus, kind)}
          >
            {kind === "strike" ? "Strike" : kind === "skip" ? "Skip" : "Flag"}
          </Button>
        ))}
      </div>
    </div>
  );
}

/** A click on a button leaves the keyboard with the tiles: Enter goes on meaning the page. */
export const stayOnTheTiles = (event: MouseEvent): void => event.preventDefault();
