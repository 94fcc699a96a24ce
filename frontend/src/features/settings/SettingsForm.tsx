import { useState } from "preact/hooks";
import { ApiError, messageOf } from "@/api/client";
import { projects, runs } from "@/api/endpoints";
import { touched } from "@/api/events";
import { useResource } from "@/api/resource";
import type { Project } from "@/api/types";
import { Button } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { toast } from "@/ui/Toasts";
import { changesBetween, type Draft, draftOf, problemsIn } from "./changes";
import { TextArea } from "./TextArea";

interface Props {
  project: Project;
  editable: boolean;
  onSaved: () => void;
}

/** What an owner types as a number, in the order of the form. */
const NUMBERS: readonly { field: keyof Draft; label: string; hint: string }[] = [
  {
    field: "blindPercent",
    label: "Blind share, in percent",
    hint: "Images drawn at random and shown without suggestions: they alone measure accuracy.",
  },
  {
    field: "overlap",
    label: "People per image",
    hint: "More than one shows how far people agree. It holds for what is queued from now on. A category may ask for another number.",
  },
  {
    field: "opinions",
    label: "Where they are divided, up to",
    hint: "Opinions on one image. Each further one is asked of whoever tells those two categories apart best; where people are of one mind, none is.",
  },
  {
    field: "knownPercent",
    label: "Known-wrong tiles, in percent",
    hint: "Confirmed images of another category, hidden on each page to see whether it was looked at. People are told afterwards, and none becomes a label.",
  },
  {
    field: "tiles",
    label: "Tiles on a page, at most",
    hint: "Pages grow to this where little is struck and known-wrong tiles are caught.",
  },
];

/** What an owner may set, saved together. */
export function SettingsForm({ project, editable, onSaved }: Props) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(project));
  const [refused, setRefused] = useState("");
  const [busy, setBusy] = useState(false);
  const problems = problemsIn(draft);
  const changes = changesBetween(project, draft);
  const changed = Object.keys(changes).length > 0;
  const set = (field: keyof Draft) => (value: string) => setDraft((before) => ({ ...before, [field]: value }));

  const save = async (): Promise<void> => {
    setBusy(true);
    setRefused("");
    try {
      const saved = await projects.change(project.id, changes);
      setDraft(draftOf(saved));
      touched("taxonomy");
      onSaved();
      toast("Settings saved");
    } catch (error) {
      setRefused(error instanceof ApiError ? error.message : messageOf(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <fieldset disabled={!editable} class="settings-sections">
        <section>
          <h2>About</h2>
          <Field label="Name" value={draft.name} onInput={set("name")} maxLength={120} error={problems.name} required />
          <TextArea label="Description" value={draft.description} onInput={set("description")} rows={3} />
        </section>
        <section>
          <h2>Words for the model</h2>
          <Field
            label="What the images show"
            value={draft.concept}
            onInput={set("concept")}
            maxLength={80}
            placeholder="beetle"
            hint="In one word or two. It stands before each category's name in a prompt."
          />
          <TextArea
            label="Prompt templates, one a line"
            value={draft.templates}
            onInput={set("templates")}
            rows={4}
            placeholder="a photo of a {}"
            error={problems.templates}
            hint="{} stands for the category's name. Without any, Winnow's own seven are used."
          />
        </section>
        <Choosing project={project.id} draft={draft} set={set} problems={problems} />
      </fieldset>
      {editable && (
        <div class="settings-save row">
          <Button kind="primary" type="submit" disabled={!changed || busy || Object.keys(problems).length > 0}>
            Save changes
          </Button>
          {changed && (
            <Button kind="quiet" onClick={() => setDraft(draftOf(project))}>
              Discard
            </Button>
          )}
          {refused && (
            <span class="small danger" role="alert">
              {refused}
            </span>
          )}
        </div>
      )}
    </form>
  );
}

interface ChoosingProps {
  project: number;
  draft: Draft;
  set: (field: keyof Draft) => (value: string) => void;
  problems: Partial<Record<keyof Draft, string>>;
}

/** What most projects need; the research's other ways to choose stand folded below. */
const COMMON = new Set(["weighted_coverage", "random", "margin", "rare", "balanced"]);

function Choosing({ project, draft, set, problems }: ChoosingProps) {
  const { data } = useResource(`functions/${project}`, (signal) => runs.functions(project, signal));
  const choose = set("acquisition");
  const more = data?.filter(({ name }) => !COMMON.has(name)) ?? [];
  return (
    <section>
      <h2>What is labelled next</h2>
      <div class="choices" role="radiogroup" aria-label="Goal">
        {data
          ?.filter(({ name }) => COMMON.has(name))
          .map((one) => (
            <Goal key={one.name} {...one} chosen={draft.acquisition} choose={choose} />
          ))}
        {more.length > 0 && (
          <details open={more.some(({ name }) => name === draft.acquisition)}>
            <summary class="small muted">{more.length} more ways, for those who compare them</summary>
            {more.map((one) => (
              <Goal key={one.name} {...one} chosen={draft.acquisition} choose={choose} />
            ))}
          </details>
        )}
      </div>
      <div class="settings-pair">
        {NUMBERS.map(({ field, label, hint }) => (
          <Field
            key={field}
            label={label}
            type="number"
            value={draft[field]}
            onInput={set(field)}
            error={problems[field]}
            hint={hint}
          />
        ))}
      </div>
    </section>
  );
}

interface GoalProps {
  name: string;
  goal: string;
  description: string;
  chosen: string;
  choose: (name: string) => void;
}

function Goal({ name, goal, description, chosen, choose }: GoalProps) {
  return (
    <label class="choice">
      <input type="radio" name="acquisition" value={name} checked={chosen === name} onChange={() => choose(name)} />
      <span>
        <strong>{goal}</strong>
        <span class="small muted">{description}</span>
      </span>
    </label>
  );
}
