import type { Taxonomy } from "@/api/shared";
import type { Category, LeasedItem } from "@/api/types";
import type { Input } from "@/core/entry";
import { probability } from "@/core/format";
import { CommandKey } from "@/ui/Button";
import { Dot, parentsOf } from "@/ui/Category";
import { type Mode, parentOfFirst, RECENT_KEYS } from "./oneCommands";

interface ChoicesProps {
  item: LeasedItem;
  taxonomy: Taxonomy;
  recent: readonly Category[];
  give: (category: number, input: Input) => void;
  setMode: (mode: Mode) => void;
}

/** What one image can be: the model's suggestions, the parent, what was given lately. */
export function Choices({ item, taxonomy, recent, give, setMode }: ChoicesProps) {
  const parent = parentOfFirst(item, taxonomy.byId);
  const suggested = new Set(item.suggestions.map(({ category }) => category));
  return (
    <>
      {item.blind ? (
        <p class="side-note">No suggestions here: this image measures how right the model is. Name it as you see it.</p>
      ) : (
        item.suggestions.length === 0 && <p class="side-note">The model has no suggestion yet. Type a name.</p>
      )}
      <ol class="suggestions">
        {item.suggestions.map((suggestion, at) => (
          <SuggestionRow
            key={suggestion.category}
            at={at}
            category={taxonomy.byId.get(suggestion.category)}
            probability={suggestion.probability}
            thumbs={
              item.exemplars
                .find(({ category }) => category === suggestion.category)
                ?.images.map(({ thumb }) => thumb) ?? []
            }
            onTake={() => give(suggestion.category, "mouse")}
          />
        ))}
      </ol>
      <div class="side-more">
        <Choice command="label.type" text="Any category" faint onTake={() => setMode("type")} />
        {parent && (
          <Choice
            command="label.parent"
            hue={parent.hue}
            text={`${parent.name}, unsure which`}
            onTake={() => give(parent.id, "mouse")}
          />
        )}
        {recent[0] && (
          <Choice
            command="label.same"
            hue={recent[0].hue}
            text={`${recent[0].name} again`}
            onTake={() => give(recent[0]?.id ?? 0, "same")}
          />
        )}
      </div>
      <div class="recents">
        {recent
          .map((category, at) => ({ category, at }))
          .filter(({ category, at }) => at > 0 && !suggested.has(category.id) && at < RECENT_KEYS.length)
          .map(({ category, at }) => (
            <Choice
              key={category.id}
              command={`label.recent${at + 1}`}
              hue={category.hue}
              text={category.name}
              onTake={() => give(category.id, "mouse")}
            />
          ))}
      </div>
      {item.suggestions.length === 0 && (
        <div class="side-all">
          {taxonomy.active.slice(0, LISTED).map((category) => (
            <button
              key={category.id}
              type="button"
              class="choice"
              style={{ paddingLeft: `${10 + category.depth * 16}px` }}
              onClick={() => give(category.id, "mouse")}
            >
              <Dot hue={category.hue} />
              <span>{category.name}</span>
            </button>
          ))}
        </div>
      )}
      {item.reason && !item.blind && <p class="small faint side-why">Why this one: {item.reason}.</p>}
    </>
  );
}

/** How many categories are listed where there is no suggestion; type-ahead reaches all of them. */
const LISTED = 60;

interface RowProps {
  at: number;
  category: Category | undefined;
  probability: number;
  thumbs: readonly string[];
  onTake: () => void;
}

function SuggestionRow({ at, category, probability: p, thumbs, onTake }: RowProps) {
  if (category === undefined) return null;
  const parents = parentsOf(category.path);
  return (
    <li>
      <button type="button" class="suggestion" onClick={onTake} title={category.definition}>
        <CommandKey command={`label.suggestion${at + 1}`} />
        <span class="suggestion-words">
          <span class="suggestion-name">
            <Dot hue={category.hue} />
            <span>{category.name}</span>
          </span>
          {parents && <span class="suggestion-parent">{parents}</span>}
        </span>
        <span class="suggestion-p">{probability(p)}</span>
        <span class="suggestion-bar hued" style={{ "--share": `${p * 100}%`, "--hue": String(category.hue) }} />
        {thumbs.length > 0 && (
          <span class="suggestion-thumbs">
            {thumbs.slice(0, 3).map((thumb) => (
              <img key={thumb} src={thumb} alt="" width="58" height="48" />
            ))}
          </span>
        )}
      </button>
    </li>
  );
}

function Choice({
  command,
  hue,
  text,
  faint,
  onTake,
}: {
  command: string;
  hue?: number;
  text: string;
  faint?: boolean;
  onTake: () => void;
}) {
  return (
    <button type="button" class={`choice ${faint ? "choice-faint" : ""}`} onClick={onTake}>
      <CommandKey command={command} />
      {hue !== undefined && <Dot hue={hue} />}
      <span>{text}</span>
    </button>
  );
}
