import { useState } from "preact/hooks";
import { messageOf } from "@/api/client";
import { touched } from "@/api/events";
import { useResource } from "@/api/resource";
import { type HeadVersion, training } from "@/api/training";
import { ago, count, percent } from "@/core/format";
import { Button } from "@/ui/Button";
import { Failed } from "@/ui/States";
import { toast } from "@/ui/Toasts";

const STATES: Readonly<Record<HeadVersion["state"], string>> = {
  candidate: "candidate",
  live: "live",
  retired: "retired",
  refused: "refused",
};

/** Every head with where it came from, what serves, and the way back. */
export function Registry({ project, owner }: { project: number; owner: boolean }) {
  const { data, error, reload } = useResource(`heads/${project}`, (signal) => training.heads(project, signal), [
    "training",
    "predictions",
  ]);
  const [busy, setBusy] = useState(false);
  const act = async (what: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    try {
      await what();
      touched("training", "predictions", "jobs");
    } catch (problem) {
      toast(messageOf(problem), { tone: "danger" });
    } finally {
      setBusy(false);
    }
  };
  if (error) return <Failed error={error} onRetry={reload} />;
  if (!data) return null;
  return (
    <section class="models-part">
      <div class="row-between">
        <h2>Heads</h2>
        {owner && data.back_to && (
          <Button icon="undo" disabled={busy} onClick={() => void act(() => training.back(project))}>
            Back to {data.back_to}
          </Button>
        )}
      </div>
      {data.items.length === 0 && (
        <p class="small muted">
          None yet: predictions are fitted on all labels each time, until a run promotes a head.
        </p>
      )}
      <ul>
        {data.items.map((head) => (
          <li key={head.id} class="run-row">
            <div>
              <strong>Head {head.id}</strong> <span class={`outcome outcome-${head.state}`}>{STATES[head.state]}</span>
              {head.state === "live" && data.serving !== head.id && <span class="small"> predictions follow</span>}
            </div>
            <span class="small muted">
              {head.kind}, {count(head.categories)} categories, {head.encoder}
              {head.parent_head !== null && `, after head ${head.parent_head}`}
              {head.run !== null && (
                <>
                  {" · "}
                  <a href={`/p/${project}/models/${head.run}`}>run {head.run}</a>
                </>
              )}
              {" · "}
              {ago(head.created_at)}
              {" · "}
              <span title={head.digest}>sha256 {head.digest.slice(0, 12)}</span>
            </span>
            <div class="row">
              {head.metrics.accuracy && (
                <span class="small">
                  {percent(head.metrics.accuracy.value)} on {count(head.metrics.images ?? 0)} blind images
                </span>
              )}
              {owner && head.state !== "live" && (
                <Button
                  kind="quiet"
                  disabled={busy}
                  aria-label={`Promote head ${head.id}`}
                  onClick={() => void act(() => training.promote(project, head.id))}
                >
                  Promote
                </Button>
              )}
              {owner && head.state === "candidate" && (
                <Button
                  kind="quiet"
                  disabled={busy}
                  aria-label={`Refuse head ${head.id}`}
                  onClick={() => void act(() => training.refuse(project, head.id))}
                >
                  Refuse
                </Button>
              )}
            </div>
          </li>
        ))}
      </ul>
      {data.promotions.length > 0 && (
        <details>
          <summary>What was made live, and when</summary>
          <ul>
            {data.promotions.map((act) => (
              <li key={act.id} class="small muted">
                {ago(act.created_at)}: {act.head === null ? act.encoder : `head ${act.head}`}
                {act.undoes !== null && ", going back"}
                {act.by && `, by ${act.by}`}. {act.reason}
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
