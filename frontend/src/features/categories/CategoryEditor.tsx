import { useState } from "preact/hooks";
import { ApiError, messageOf } from "@/api/client";
import { categories as endpoint } from "@/api/endpoints";
import { touched } from "@/api/events";
import type { Category } from "@/api/types";
import { Button } from "@/ui/Button";
import { Field, Select } from "@/ui/Field";
import { toast } from "@/ui/Toasts";
import { PromptCheck } from "./PromptCheck";

interface EditorProps {
  project: number;
  category: Category;
  all: readonly Category[];
  editable: boolean;
}

const KIND = "sentence";

export function CategoryEditor({ project, category, all, editable }: EditorProps) {
  if (!editable) return <Reading category={category} />;
  return <Editing project={project} category={category} all={all} />;
}

function Reading({ category }: { category: Category }) {
  const texts = [category.definition, ...category.descriptions.map(({ text }) => text)].filter((text) => text !== "");
  return (
    <div class="editor">
      {texts.length === 0 ? (
        <p class="muted">Nobody has described it yet.</p>
      ) : (
        texts.map((text) => <p key={text}>{text}</p>)
      )}
    </div>
  );
}

function Editing({ project, category, all }: Omit<EditorProps, "editable">) {
  const [name, setName] = useState(category.name);
  const [synonyms, setSynonyms] = useState(category.synonyms.join(", "));
  const [definition, setDefinition] = useState(category.definition);
  const [parent, setParent] = useState(String(category.parent ?? ""));
  const [overlap, setOverlap] = useState(String(category.overlap ?? ""));
  const [sentences, setSentences] = useState(
    category.descriptions
      .filter(({ kind }) => kind === KIND)
      .map(({ text }) => text)
      .join("\n"),
  );
  const [error, setError] = useState<unknown>(null);

  const attempt = async (act: () => Promise<unknown>, done: string): Promise<void> => {
    try {
      await act();
      setError(null);
      touched("taxonomy");
      toast(done);
    } catch (problem) {
      setError(problem);
    }
  };
  const lines = (text: string, by: RegExp): string[] =>
    text
      .split(by)
      .map((part) => part.trim())
      .filter((part) => part !== "");
  const save = (): Promise<void> =>
    attempt(
      () =>
        endpoint.change(project, category.id, {
          name: name.trim(),
          synonyms: lines(synonyms, /,/),
          definition: definition.trim(),
          overlap: overlap.trim() === "" ? null : Number(overlap),
          parent: parent === "" ? null : Number(parent),
          descriptions: [
            ...category.descriptions.filter(({ kind }) => kind !== KIND).map(({ kind, text }) => ({ kind, text })),
            ...lines(sentences, /\n/).map((text) => ({ kind: KIND, text })),
          ],
        }),
      `${name.trim()} saved`,
    );

  const inside = descendants(category.id, all);
  const parents: [string, string][] = all.filter(({ id }) => !inside.has(id)).map(({ id, path }) => [String(id), path]);
  return (
    <form
      class="editor"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <div class="editor-fields">
        <Field
          label="Name"
          value={name}
          onInput={setName}
          required
          error={error instanceof ApiError ? error.fields.name?.[0] : undefined}
        />
        <Select label="Parent" value={parent} onChange={setParent} options={[["", "none"], ...parents]} />
        <Field label="Synonyms, with commas between" value={synonyms} onInput={setSynonyms} />
        <Field
          label="Definition"
          value={definition}
          onInput={setDefinition}
          placeholder="What makes it this and nothing else"
        />
        <Field
          label="People per image"
          type="number"
          value={overlap}
          onInput={setOverlap}
          placeholder="as many as the project wants"
          error={error instanceof ApiError ? error.fields.overlap?.[0] : undefined}
        />
      </div>
      <label class="editor-sentences">
        <span class="small muted">Sentences that describe how it looks, one a line; the model reads them</span>
        <textarea
          class="input"
          rows={3}
          value={sentences}
          onInput={(event) => setSentences(event.currentTarget.value)}
        />
      </label>
      <PromptCheck project={project} category={category} />
      {error !== null && (
        <p class="small danger" role="alert">
          {messageOf(error)}
        </p>
      )}
      <div class="row">
        <Button kind="primary" type="submit" disabled={name.trim() === ""}>
          Save
        </Button>
        {category.deprecated ? (
          <Button
            onClick={() => void attempt(() => endpoint.restore(project, category.id), `${category.name} is back`)}
          >
            Restore
          </Button>
        ) : (
          <Button
            kind="quiet"
            title="It can no longer be given; labels that carry it are kept"
            onClick={() => void attempt(() => endpoint.deprecate(project, category.id), `${category.name} deprecated`)}
          >
            Deprecate
          </Button>
        )}
      </div>
    </form>
  );
}

function descendants(root: number, all: readonly Category[]): ReadonlySet<number> {
  const inside = new Set([root]);
  for (const { id, parent } of all) if (parent !== null && inside.has(parent)) inside.add(id); // parents come first
  return inside;
}
