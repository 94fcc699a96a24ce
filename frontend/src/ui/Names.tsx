import { useState } from "preact/hooks";
import { type BulkAnswer, bulkNames } from "@/api/bulk";
import { touched } from "@/api/events";
import { plural } from "@/core/format";
import { namesRead } from "@/core/names";
import { Button } from "./Button";
import { toast } from "./Toasts";
import "./names.css";

interface NamesProps {
  project: number;
  rows?: number;
}

/** A box for a list of category names that shows the tree it will become while it is typed. */
export function Names({ project, rows = 9 }: NamesProps) {
  const [text, setText] = useState("");
  const [checked, setChecked] = useState<BulkAnswer | null>(null);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const lines = namesRead(text);

  const send = async (dryRun: boolean): Promise<void> => {
    setBusy(true);
    setError("");
    try {
      const answer = await bulkNames(project, text, dryRun);
      if (dryRun) setChecked(answer);
      else {
        setText("");
        setChecked(null);
        touched("taxonomy");
        toast(`${plural(answer.created.length, "category", "categories")} added`);
      }
    } catch (problem) {
      setError(problem instanceof Error ? problem.message : String(problem));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      class="names"
      onSubmit={(event) => {
        event.preventDefault();
        void send(false);
      }}
    >
      <div class="names-pair">
        <textarea
          class="input"
          aria-label="Category names, one a line"
          rows={rows}
          spellcheck={false}
          placeholder={
            "One name a line. Indent to make children.\n\nbeetle\n  ladybird | lady beetle\n  stag beetle\nbutterfly"
          }
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setChecked(null);
          }}
        />
        {lines.length > 0 && (
          <ul class="names-preview" aria-label="Preview">
            {lines.map((line, at) => (
              <li key={at} style={{ paddingLeft: `${line.depth * 16}px` }}>
                {line.name || <em class="danger">a line without a name</em>}
                {line.synonyms.length > 0 && <span class="faint"> {line.synonyms.join(", ")}</span>}
              </li>
            ))}
          </ul>
        )}
      </div>
      {checked && (
        <p class="small" role="status">
          {plural(checked.created.length, "new category", "new categories")}, {checked.existing.length} already here
          {checked.problems.length > 0 && `, ${plural(checked.problems.length, "problem")}:`}
        </p>
      )}
      {checked && checked.problems.length > 0 && (
        <ul class="small danger">
          {checked.problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
      {error && (
        <p class="small danger" role="alert">
          {error}
        </p>
      )}
      <div class="row">
        <Button kind="primary" type="submit" disabled={lines.length === 0 || busy}>
          {lines.length === 0 ? "Add categories" : `Add ${plural(lines.length, "category", "categories")}`}
        </Button>
        {lines.length > 0 && (
          <Button kind="quiet" disabled={busy} onClick={() => void send(true)}>
            Check first
          </Button>
        )}
      </div>
    </form>
  );
}
