import { useState } from "preact/hooks";
import type { Taxonomy } from "@/api/shared";
import type { Category, LeasedItem } from "@/api/types";
import type { Desk, Input } from "@/core/desk";
import { count, probability } from "@/core/format";
import type { Answer } from "@/core/queue";
import { Button, CommandKey } from "@/ui/Button";
import { Dot, parentsOf } from "@/ui/Category";
import { CategoryPicker } from "@/ui/CategoryPicker";
import { parentOfFirst, RECENT_KEYS } from "./LabelOne";

interface SideProps {
  desk: Desk<LeasedItem>;
  item: LeasedItem;
  taxonomy: Taxonomy;
  mode: "look" | "type" | "comment";
  setMode: (mode: "look" | "type" | "comment") => void;
  give: (category: number, input: Input) => void;
}

export function Side({ desk, item, taxonomy, mode, setMode, give }: SideProps) {
  const answer = desk.queue.current?.answer ?? null;
  const recent = desk.recent.flatMap((id) => taxonomy.byId.get(id) ?? []);
  return (
    <aside class="side" aria-label="Categories for this image">
      {answer && <Given answer={answer} byId={taxonomy.byId} />}
      {mode === "type" ? (
        <CategoryPicker
          label="Any category"
          items={taxonomy.active}
          recent={recent}
          onPick={(category) => give(category.id, "type")}
          onClose={() => setMode("look")}
        />
      ) : mode === "comment" ? (
        <Comment
          onDone={(text) => {
            setMode("look");
            if (text !== null) desk.flag(text);
          }}
        />
      ) : (
        <Choices desk={desk} item={item} taxonomy={taxonomy} recent={recent} give={give} setMode={setMode} />
      )}
      <footer class="side-foot">
        <LastAct desk={desk} byId={taxonomy.byId} />
        <div class="side-acts">
          <Button kind="quiet" command="label.skip" onClick={() => desk.skip()}>
            Skip
          </Button>
          <Button kind="quiet" command="label.flag" onClick={() => desk.flag()}>
            Flag
          </Button>
          <Button kind="quiet" command="label.undo" disabled={!desk.canUndo} onClick={() => desk.undo()}>
            Undo
          </Button>
          <Button
            kind="quiet"
            icon="redo"
            aria-label="Redo"
            title="Redo (Ctrl Shift Z)"
            disabled={!desk.canRedo}
            onClick={() => desk.redo()}
          />
        </div>
      </footer>
    </aside>
  );
}

function Choices({
  desk,
  item,
  taxonomy,
  recent,
  give,
  setMode,
}: Omit<SideProps, "mode"> & { recent: readonly Category[] }) {
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
      {desk.queue.current?.leased.reason && !item.blind && <p class="small faint side-why">{reasonOf(item.reason)}</p>}
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

const KINDS = { label: "labelled", skip: "skipped", flag: "flagged" } as const;

function Given({ answer, byId }: { answer: Answer; byId: ReadonlyMap<number, Category> }) {
  const category = byId.get(answer.category ?? 0);
  return (
    <p class="given">
      {category ? <Dot hue={category.hue} /> : null}
      <span>{category ? `You said: ${category.name}` : `You ${KINDS[answer.kind]} it`}</span>
      <CommandKey command="label.next" />
    </p>
  );
}

function LastAct({ desk, byId }: { desk: Desk<LeasedItem>; byId: ReadonlyMap<number, Category> }) {
  const category = byId.get(desk.last?.answer.category ?? 0);
  return (
    <p class="last-act small" role="status">
      {desk.last && (
        <>
          <span class="faint">last</span>
          {category && <Dot hue={category.hue} />}
          <span>{category?.name ?? KINDS[desk.last.answer.kind]}</span>
        </>
      )}
      <span class="faint made" title={`${count(desk.queue.remaining)} more wait in the queue`}>
        {desk.made > 0 && `${count(desk.made)} done`}
      </span>
    </p>
  );
}

function Comment({ onDone }: { onDone: (text: string | null) => void }) {
  const [text, setText] = useState("");
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        onDone(text.trim());
      }}
    >
      <input
        class="input"
        aria-label="Why this image is flagged"
        placeholder="What is wrong with it?"
        ref={(element) => element?.focus()}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && onDone(null)}
      />
      <Button kind="primary" icon="flag" type="submit">
        Flag and go on
      </Button>
    </form>
  );
}

const REASONS: Readonly<Record<string, string>> = {
  margin: "Shown because the model wavers between two categories.",
  entropy: "Shown because the model is unsure.",
  least_confidence: "Shown because even the first suggestion is weak.",
  random: "Shown at random.",
};

const reasonOf = (reason: string): string => REASONS[reason] ?? "";
