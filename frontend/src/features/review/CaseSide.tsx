import type { Opinion, ReviewItem } from "@/api/page-types";
import type { Taxonomy } from "@/api/shared";
import { ago, count, probability } from "@/core/format";
import type { Answer } from "@/core/queue";
import { Button, CommandKey } from "@/ui/Button";
import { Dot, parentsOf } from "@/ui/Category";
import { CategoryPicker } from "@/ui/CategoryPicker";
import { Field } from "@/ui/Field";
import type { Choice } from "./choices";
import type { ReviewDesk } from "./useReview";

const WHY: Readonly<Record<ReviewItem["reason"], string>> = {
  disagreement: "People see different things here.",
  attention: "It was on a page where a known-wrong tile slipped by.",
  sent: "Someone asked for a second look.",
  label_error: "The model doubts this label.",
};

const HOW: Readonly<Record<string, string>> = {
  page: "on a page",
  suggestion: "with a suggestion",
  free: "without a suggestion",
  blind: "blind",
  propagated: "from a near-duplicate",
  imported: "imported",
  review: "in review",
};

interface CaseSideProps {
  desk: ReviewDesk;
  item: ReviewItem;
  choices: readonly Choice[];
  taxonomy: Taxonomy;
  given: Answer | null;
  typing: string | null;
  setTyping: (letter: string | null) => void;
  decide: (category: number, input: "type" | "mouse") => void;
  why: string;
  onWhy: (text: string) => void;
}

/** The opinions side by side, each with its key; what is decided here is what the image is. */
export function CaseSide(props: CaseSideProps) {
  const { desk, item, choices, taxonomy, given, typing, setTyping, decide, why, onWhy } = props;
  const people = choices.filter(({ opinions }) => opinions.length > 0);
  const model = choices.filter(({ opinions }) => opinions.length === 0);
  const decided = taxonomy.byId.get(given?.category ?? 0);
  const silent = item.opinions.filter(({ category }) => category === null);
  return (
    <aside class="case" aria-label="Opinions">
      <header>
        <h1 class="case-title">What is it?</h1>
        <p class="small muted">{WHY[item.reason]}</p>
      </header>
      {decided && (
        <p class="case-decided small">
          <Dot hue={decided.hue} /> You decided: {decided.name}
        </p>
      )}
      {typing === null ? (
        <>
          <div class="case-people">
            {people.map((choice, at) => (
              <ChoiceCard
                key={choice.category.id}
                choice={choice}
                at={at}
                onTake={() => decide(choice.category.id, "mouse")}
              />
            ))}
          </div>
          {silent.map((opinion) => (
            <Said key={opinion.annotation} opinion={opinion} />
          ))}
          {model.length > 0 && (
            <section class="case-model">
              <h2 class="case-heading">Only the model says</h2>
              {model.map((choice, at) => (
                <button
                  key={choice.category.id}
                  type="button"
                  class="case-row"
                  onClick={() => decide(choice.category.id, "mouse")}
                >
                  <CommandKey command={`review.choice${people.length + at + 1}`} />
                  <Dot hue={choice.category.hue} />
                  <span class="case-name">{choice.category.name}</span>
                  <span class="faint small">{probability(choice.probability ?? 0)}</span>
                </button>
              ))}
            </section>
          )}
          <button type="button" class="case-row" onClick={() => setTyping("")}>
            <CommandKey command="label.type" />
            <span class="case-name muted">Any category</span>
          </button>
        </>
      ) : (
        <CategoryPicker
          label="Any category"
          initial={typing}
          items={taxonomy.active}
          onPick={({ id }) => decide(id, "type")}
          onClose={() => setTyping(null)}
        />
      )}
      <Field label="Why (optional)" value={why} onInput={onWhy} maxLength={2000} hint="Kept with your decision." />
      <footer class="case-foot">
        <span class="small faint">{desk.made > 0 && `${count(desk.made)} decided`}</span>
        <Button kind="quiet" command="review.later" onClick={() => desk.queue.next()}>
          Later
        </Button>
        <Button kind="quiet" command="label.undo" disabled={!desk.canUndo} onClick={() => desk.undo()}>
          Undo
        </Button>
      </footer>
    </aside>
  );
}

function ChoiceCard({ choice, at, onTake }: { choice: Choice; at: number; onTake: () => void }) {
  const { category, opinions, probability: p } = choice;
  const parents = parentsOf(category.path);
  return (
    <button type="button" class="case-card" title={category.definition} onClick={onTake}>
      <span class="case-card-head">
        <CommandKey command={`review.choice${at + 1}`} />
        <Dot hue={category.hue} />
        <span class="case-name">{category.name}</span>
      </span>
      <span class="small faint">
        {parents}
        {p !== null && `${parents ? " · " : ""}model ${probability(p)}`}
      </span>
      {opinions.map((opinion) => (
        <Said key={opinion.annotation} opinion={opinion} />
      ))}
    </button>
  );
}

function Said({ opinion }: { opinion: Opinion }) {
  return (
    <span class="case-said small">
      <strong>{opinion.annotator?.username ?? "Import"}</strong>{" "}
      <span class="muted">
        {opinion.kind === "flag" ? "flagged it, " : opinion.kind === "skip" ? "skipped it, " : ""}
        {HOW[opinion.evidence] ?? opinion.evidence}, {ago(opinion.created_at)}
      </span>
      {opinion.comment && <q>{opinion.comment}</q>}
    </span>
  );
}
