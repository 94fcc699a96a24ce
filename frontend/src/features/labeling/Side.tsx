import { useState } from "preact/hooks";
import type { Taxonomy } from "@/api/shared";
import type { Category, LeasedItem } from "@/api/types";
import type { Input } from "@/core/entry";
import type { Answer } from "@/core/queue";
import { Button, CommandKey } from "@/ui/Button";
import { Dot } from "@/ui/Category";
import { CategoryPicker } from "@/ui/CategoryPicker";
import { Choices } from "./Choices";
import { Feedback } from "./Feedback";
import type { Mode } from "./oneCommands";
import type { LabelingDesk } from "./useDesk";
import type { Feedback as Told } from "./useFeedback";

interface SideProps {
  project: number;
  desk: LabelingDesk;
  item: LeasedItem;
  taxonomy: Taxonomy;
  mode: Mode;
  setMode: (mode: Mode) => void;
  give: (category: number, input: Input) => void;
  feedback: Told;
}

export function Side({ project, desk, item, taxonomy, mode, setMode, give, feedback }: SideProps) {
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
        <Choices item={item} taxonomy={taxonomy} recent={recent} give={give} setMode={setMode} />
      )}
      <footer class="side-foot">
        <Feedback project={project} last={desk.last} made={desk.made} told={feedback} taxonomy={taxonomy} />
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

const KINDS = { label: "labelled", skip: "skipped", flag: "flagged", page: "confirmed" } as const;

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
