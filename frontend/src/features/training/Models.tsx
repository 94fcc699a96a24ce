import { useEffect, useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { messageOf } from "@/api/client";
import { touched } from "@/api/events";
import { useResource } from "@/api/resource";
import { useProject } from "@/api/shared";
import { type RunMethod, type TrainingRun, training } from "@/api/training";
import { ago, count, plural, seconds } from "@/core/format";
import { mayOwn } from "@/core/roles";
import { Progress } from "@/ui/Bar";
import { Button } from "@/ui/Button";
import { Failed, Notice } from "@/ui/States";
import { toast } from "@/ui/Toasts";
import { Registry } from "./Registry";
import { OUTCOMES, TRIGGERS } from "./words";
import "./training.css";

const METHODS: readonly { readonly id: RunMethod; readonly name: string }[] = [
  { id: "head", name: "Refit the head" },
  { id: "adapter", name: "Episodic adapter" },
  { id: "self_training", name: "Pseudo-labels" },
  { id: "student", name: "Small model to take along" },
];

export default function Models() {
  const { params } = useRoute();
  const project = Number(params.id);
  const runs = useResource(`runs/${project}`, (signal) => training.runs(project, signal), ["training", "jobs"]);
  const owner = mayOwn(useProject(project).data?.role);
  useEffect(() => {
    document.title = "Models · Winnow";
  }, []);
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <h1>Models</h1>
          <p>Confirmed labels train a new model; it serves only if it is shown to be better on the blind images.</p>
        </div>
      </div>
      <NextRun project={project} />
      {runs.error && <Failed error={runs.error} onRetry={runs.reload} />}
      <section class="models-part">
        <h2>Runs</h2>
        {runs.data?.items.length === 0 && <p class="small muted">None yet.</p>}
        <ul>
          {runs.data?.items.map((run) => (
            <RunRow key={run.id} project={project} run={run} />
          ))}
        </ul>
      </section>
      <Registry project={project} owner={owner} />
    </div>
  );
}

function NextRun({ project }: { project: number }) {
  const [method, setMethod] = useState<RunMethod>("head");
  const [busy, setBusy] = useState(false);
  const overall = useResource(`training/${project}`, (signal) => training.read(project, signal), ["training"]);
  const ready = useResource(`readiness/${project}/${method}`, () => training.ask(project, method), [
    "training",
    "annotations",
  ]).data;
  const start = async (): Promise<void> => {
    setBusy(true);
    try {
      await training.start(project, method);
      touched("training", "jobs");
    } catch (error) {
      toast(messageOf(error), { tone: "danger" });
    } finally {
      setBusy(false);
    }
  };
  if (!ready) return null;
  const every = overall.data?.options.every ?? 0;
  return (
    <section class="next-run">
      <div>
        <h2>Next run</h2>
        <p>{ready.reason}</p>
        <p class="small muted">
          {plural(ready.fresh, "new label")} since the last run
          {every > 0 && `; one starts by itself after ${count(every)}`}. {count(ready.blind)} of {count(ready.needed)}{" "}
          blind answers needed. It takes {ready.seconds < 1 ? "" : "about "}
          {seconds(ready.seconds)} and about {count(ready.memory_mb)} MB.
        </p>
        {ready.advice.map((line) => (
          <p key={line} class="small">
            {line}
          </p>
        ))}
      </div>
      <div class="next-run-act">
        <select
          class="input"
          aria-label="What is trained"
          value={method}
          onChange={(event) => setMethod(event.currentTarget.value as RunMethod)}
        >
          {METHODS.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
        <Button kind="primary" disabled={busy || !ready.can_run} onClick={() => void start()}>
          Train now
        </Button>
      </div>
      {!ready.can_help && ready.can_run && <Notice>A run could be made, but it could not go live by itself.</Notice>}
    </section>
  );
}

function RunRow({ project, run }: { project: number; run: TrainingRun }) {
  const live = run.job !== null && (run.job.state === "queued" || run.job.state === "running");
  return (
    <li class="run-row">
      <a href={`/p/${project}/models/${run.id}`}>
        <strong>Run {run.id}</strong>
        <span class={`outcome outcome-${run.outcome}`}>{live ? "under way" : OUTCOMES[run.outcome]}</span>
      </a>
      <span class="small muted">
        {TRIGGERS[run.trigger]} · {plural(run.labels, "label")} · {ago(run.created_at)}
      </span>
      {live && run.job ? (
        <Progress done={run.job.done} total={run.job.total} label={`Run ${run.id}`} />
      ) : (
        <span class="small">{run.reason || run.job?.message}</span>
      )}
    </li>
  );
}
