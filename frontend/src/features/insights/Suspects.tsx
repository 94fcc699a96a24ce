import { useEffect, useState } from "preact/hooks";
import { type Doubt, insights, type Suspect } from "@/api/insights";
import type { Taxonomy } from "@/api/shared";
import type { Category } from "@/api/types";
import { probability } from "@/core/format";
import { Button, CommandKey } from "@/ui/Button";
import { Dot } from "@/ui/Category";
import { CategoryPicker } from "@/ui/CategoryPicker";
import { useCommands } from "@/ui/commands";
import { type CaseOf, type DecisionDesk, useDecisions } from "@/ui/decisions";
import { Stage } from "@/ui/Stage";
import { Failed } from "@/ui/States";
import { choicesOf, suspectCommands } from "./suspectCommands";
import { GRADES } from "./words";
import "./suspects.css";

const PAGE = 50;

interface SuspectsProps {
  project: number;
  doubt: Doubt;
  /** When it was looked for: a new search is a new desk. */
  at: string;
  taxonomy: Taxonomy;
}

export function Suspects({ project, doubt, at, taxonomy }: SuspectsProps) {
  const { desk, pictures, turn } = useDecisions<Suspect>(project, `${doubt}/${at}`, (cursor) =>
    insights.labelErrors(project, doubt, cursor, PAGE),
  );
  const { queue, item } = desk;
  if (queue.state === "failed" && queue.error) {
    return <Failed error={queue.error} onRetry={() => void queue.fill()} />;
  }
  if (item === undefined) return desk.canUndo ? <Done desk={desk} /> : null;
  return <Deciding {...{ desk, item, pictures, taxonomy, turn }} />;
}

function Done({ desk }: { desk: DecisionDesk<Suspect> }) {
  useCommands("errors", [
    {
      id: "label.undo",
      title: "Undo the last decision",
      category: "Decide",
      keys: ["U", "Ctrl+Z"],
      run: () => desk.undo(),
    },
  ]);
  return (
    <div class="row">
      <p class="muted">All of these are decided.</p>
      <Button kind="quiet" command="label.undo" onClick={() => desk.undo()}>
        Undo
      </Button>
    </div>
  );
}

interface DecidingProps {
  desk: DecisionDesk<Suspect>;
  item: CaseOf<Suspect>;
  pictures: ReturnType<typeof useDecisions<Suspect>>["pictures"];
  taxonomy: Taxonomy;
  /** Changes with every act, because the desk stays the same object. */
  turn: number;
}

function Deciding({ desk, item, pictures, taxonomy }: DecidingProps) {
  const [typing, setTyping] = useState<string | null>(null);
  const [zoomed, setZoomed] = useState(false);
  const { id, name } = item.image;
  // another image begins with nothing typed
  useEffect(() => setTyping(null), [id]);
  const choices = choicesOf(item, taxonomy.byId);
  useCommands("errors", suspectCommands({ desk, choices, setTyping, setZoomed }));
  const given = desk.queue.current?.answer ?? null;
  const decided = taxonomy.byId.get(given?.category ?? 0);
  return (
    <div class="suspect">
      <p class="visually-hidden" role="status">
        {name}: labelled {choices[0]?.name}, could be{" "}
        {choices
          .slice(1)
          .map((choice) => choice.name)
          .join(", ")}
      </p>
      <Stage image={item.image} pictures={pictures} zoomed={zoomed} setZoomed={setZoomed} />
      <aside class="suspect-side" aria-label="The label and what the model saw">
        <p class="small muted">
          {item.annotator ? `Label by ${item.annotator.username}` : "Label"} ({GRADES[item.evidence]}). {why(item)}
        </p>
        {given && (
          <p class="small suspect-decided">
            {decided ? (
              <>
                <Dot hue={decided.hue} /> You decided: {decided.name}
              </>
            ) : (
              "You flagged it"
            )}
          </p>
        )}
        {typing === null ? (
          <Choices desk={desk} item={item} choices={choices} onType={() => setTyping("")} />
        ) : (
          <CategoryPicker
            label="Any category"
            initial={typing}
            items={taxonomy.active}
            onPick={(category) => {
              setTyping(null);
              desk.label(category.id, "type");
            }}
            onClose={() => setTyping(null)}
          />
        )}
        <Likes item={item} taxonomy={taxonomy} />
        <footer class="suspect-foot">
          <Button kind="quiet" command="label.flag" onClick={() => desk.flag()}>
            Flag
          </Button>
          <Button kind="quiet" command="review.later" onClick={() => desk.queue.next()}>
            Later
          </Button>
          <Button kind="quiet" command="label.undo" disabled={!desk.canUndo} onClick={() => desk.undo()}>
            Undo
          </Button>
        </footer>
      </aside>
    </div>
  );
}

function why(item: Suspect): string {
  if (item.doubt === "duplicate") {
    return item.instead === null ? "Its near-duplicates are divided." : "Most of its near-duplicates say otherwise.";
  }
  if (item.doubt === "outlier") return "It resembles no other labelled image.";
  return item.suspicion >= 0.9
    ? "The model is almost sure of something else."
    : "The model finds something else likelier.";
}

function Choices({
  desk,
  item,
  choices,
  onType,
}: {
  desk: DecisionDesk<Suspect>;
  item: CaseOf<Suspect>;
  choices: readonly Category[];
  onType: () => void;
}) {
  const chance = new Map(item.suggestions.map(({ category, probability: p }) => [category, p]));
  return (
    <div class="suspect-choices">
      {choices.map((category, at) => (
        <button
          key={category.id}
          type="button"
          class={at === 0 ? "suspect-choice suspect-keep" : "suspect-choice"}
          title={category.definition}
          onClick={() => desk.label(category.id, "mouse")}
        >
          <CommandKey command={at === 0 ? "errors.keep" : `errors.choice${at}`} />
          <Dot hue={category.hue} />
          <span class="suspect-name">
            {at === 0 && "Keep "}
            {category.name}
          </span>
          <span class="small faint">{chance.has(category.id) ? probability(chance.get(category.id) ?? 0) : ""}</span>
        </button>
      ))}
      <button type="button" class="suspect-choice" onClick={onType}>
        <CommandKey command="label.type" />
        <span class="suspect-name muted">Any category</span>
      </button>
    </div>
  );
}

function Likes({ item, taxonomy }: { item: Suspect; taxonomy: Taxonomy }) {
  if (item.like.length === 0) return null;
  return (
    <figure class="likes">
      <figcaption class="small faint">
        {item.doubt === "duplicate" ? "Its near-duplicates" : "Nearest labelled images"}
      </figcaption>
      <ul>
        {item.like.map(({ id, thumb, category, similarity }) => {
          const found = taxonomy.byId.get(category);
          return (
            <li key={id} class="small" title={similarity === null ? "" : `similarity ${similarity.toFixed(2)}`}>
              <img src={thumb} alt="" width="88" height="66" />
              <span>
                <Dot hue={found?.hue ?? 0} /> {found?.name}
              </span>
            </li>
          );
        })}
      </ul>
    </figure>
  );
}
