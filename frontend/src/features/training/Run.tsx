import { useEffect, useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { jobs } from "@/api/endpoints";
import { touched } from "@/api/events";
import { useResource } from "@/api/resource";
import { useProject, useTaxonomy } from "@/api/shared";
import { type ModelFigures, namesOf, type RunDetail, type RunReport, training } from "@/api/training";
import { bytes, count, percent, plural, seconds } from "@/core/format";
import { mayReview } from "@/core/roles";
import { Progress } from "@/ui/Bar";
import { Button, LinkButton } from "@/ui/Button";
import { Failed } from "@/ui/States";
import { Asked } from "./Asked";
import { Confusion } from "./Confusion";
import { Calibration, Curves } from "./Plots";
import { liveIs, OUTCOMES, points, TRIGGERS } from "./words";
import "./training.css";

export interface Shown {
  readonly title: string;
  readonly query: Readonly<Record<string, string | number | boolean>>;
}

/** One run as a page of a lab notebook: question, data, method, curves, verdict, evidence. */
export default function Run() {
  const { params } = useRoute();
  const project = Number(params.id);
  const id = Number(params.run);
  const { data, error, reload } = useResource(`run/${id}`, (signal) => training.run(project, id, signal), [
    "training",
    "jobs",
  ]);
  useEffect(() => {
    document.title = `Run ${id} · Winnow`;
  }, [id]);
  if (error) return <Failed error={error} onRetry={reload} />;
  if (!data) return null;
  return (
    <div class="page">
      <a class="small" href={`/p/${project}/models`}>
        Models
      </a>
      <div class="page-head">
        <div>
          <h1>
            Run {id} <span class={`outcome outcome-${data.outcome}`}>{OUTCOMES[data.outcome]}</span>
          </h1>
          <p>{data.reason}</p>
        </div>
      </div>
      <Facts run={data} />
      <Underway run={data} />
      {data.points.some((point) => point.name === "loss") && <Curves points={data.points} />}
      {data.report && <Report project={project} run={id} report={data.report} />}
    </div>
  );
}

function Facts({ run }: { run: RunDetail }) {
  const stages = Object.entries(run.cost).filter(([name]) => name !== "peak_mb");
  const spent = stages.reduce((sum, [, value]) => sum + value, 0);
  return (
    <dl class="facts">
      <dt>Why</dt>
      <dd>
        {TRIGGERS[run.trigger]}
        {run.created_by && `, by ${run.created_by}`}
      </dd>
      <dt>Data</dt>
      <dd>
        {plural(run.labels, "frozen label")}
        {run.snapshot && <span class="muted"> sha256 {run.snapshot.slice(0, 12)}</span>}, seed {run.seed}
      </dd>
      <dt>Method</dt>
      <dd>{run.method.replace("_", "-")}</dd>
      {stages.length > 0 && (
        <>
          <dt>Cost</dt>
          <dd>
            {seconds(spent)}, {count(run.cost.peak_mb ?? 0)} MB at most
          </dd>
        </>
      )}
    </dl>
  );
}

function Underway({ run }: { run: RunDetail }) {
  const job = run.job;
  if (job === null || (job.state !== "queued" && job.state !== "running")) return null;
  const stop = async (): Promise<void> => {
    await jobs.cancel(job.id);
    touched("jobs", "training");
  };
  return (
    <section class="next-run">
      <div>
        <p>{job.message || "Waiting for a worker"}</p>
        <Progress done={job.done} total={job.total} label={`Run ${run.id}`} />
      </div>
      <Button onClick={() => void stop()}>Stop</Button>
    </section>
  );
}

/** The file of a small model: what it is, and the way to take it along. */
function Student({
  project,
  run,
  student,
}: {
  project: number;
  run: number;
  student: NonNullable<RunReport["student"]>;
}) {
  const review = mayReview(useProject(project).data?.role);
  return (
    <section class="models-part">
      <h2>A model to take along</h2>
      <p>
        One ONNX file of {bytes(student.size_bytes)} with the categories' names and the preparation of pixels inside. It
        learned from {plural(student.images, "image")} what head {student.teacher} says of them, and agrees with it on{" "}
        {percent(student.agreement, 0)} of {plural(student.judged, "image")} that it never saw.
      </p>
      <p class="small muted">
        {student.milliseconds_per_image.toFixed(1)} ms an image on one core here. Input: images, 8-bit RGB of any size;
        output: probabilities.
      </p>
      {review && (
        <LinkButton
          icon="exports"
          href={`/api/v1/projects/${project}/runs/${run}/student`}
          download={`winnow-student-${run}.onnx`}
        >
          Download
        </LinkButton>
      )}
    </section>
  );
}

const ROWS: readonly { readonly name: string; readonly of: (figures: ModelFigures) => number }[] = [
  { name: "Accuracy", of: ({ accuracy }) => accuracy.value },
  { name: "Macro-F1", of: ({ macro_f1 }) => macro_f1 },
  { name: "Calibration error", of: ({ calibration_error }) => calibration_error },
];

/** Method by method: what serves, the plain refit of the head where the run did more than that, and the new model. */
function Figures({ report, live, candidate }: { report: RunReport; live: ModelFigures; candidate: ModelFigures }) {
  const refit = report.refit;
  return (
    <>
      <table class="figures">
        <thead>
          <tr>
            <th />
            <th>Live</th>
            {refit?.figures && <th>Refitted head</th>}
            <th>New</th>
          </tr>
        </thead>
        <tbody>
          {ROWS.map(({ name, of }) => (
            <tr key={name}>
              <th>{name}</th>
              <td>{percent(of(live))}</td>
              {refit?.figures && <td>{percent(of(refit.figures))}</td>}
              <td>
                {percent(of(candidate))}{" "}
                {name === "Accuracy" && (
                  <span class="muted">
                    {percent(candidate.accuracy.low)} to {percent(candidate.accuracy.high)}
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {refit?.difference && (
        <p class="small">
          Beside a plain refit of the head on the same labels: {points(refit.difference.value)} points, 95 % interval{" "}
          {points(refit.difference.low)} to {points(refit.difference.high)}.
          {refit.difference.low <= 0 && " It is not shown to be better than that."}
        </p>
      )}
    </>
  );
}

function Report({ project, run, report }: { project: number; run: number; report: RunReport }) {
  const { byId } = useTaxonomy(project);
  const nameOf = namesOf(byId);
  const [shown, setShown] = useState<Shown | null>(null);
  const { live, candidate, difference } = report;
  const taken = report.student && <Student project={project} run={run} student={report.student} />;
  if (!live || !candidate) {
    return (
      <>
        {taken}
        <p>No blind answers yet, so there was nothing to compare on.</p>
      </>
    );
  }
  return (
    <>
      {taken}
      <section class="models-part">
        <h2>Compared on the same {count(report.images)} blind images</h2>
        <p class="verdict">
          The new model has {plural(report.better, "image")} right that {liveIs(report.live_is)} got wrong; with{" "}
          {count(report.worse)} it is the other way round.
        </p>
        {difference && (
          <p>
            <strong>{points(difference.value)} points</strong> of accuracy, 95 % interval {points(difference.low)} to{" "}
            {points(difference.high)}.
          </p>
        )}
        <Figures report={report} live={live} candidate={candidate} />
        {report.space.episodes && (
          <p class="small muted">
            The space itself: {report.space.episodes.ways}-way {report.space.episodes.shots}-shot episodes of held-out
            categories {percent(report.space.episodes.accuracy.value)}; spread within classes{" "}
            {report.space.distances?.ratio.toFixed(2)} of that between them.
          </p>
        )}
        {report.self_training && (
          <p class="small">
            {plural(report.self_training.pseudo_labels.length, "pseudo-label")} used
            {report.self_training.rolled_back &&
              `, ${count(report.self_training.rejected.length)} taken back: they did harm`}
            .
          </p>
        )}
      </section>
      <section class="models-part">
        <div class="row-between">
          <h2>What is taken for what</h2>
          <Button onClick={() => setShown({ title: "Images that changed", query: { changed: true } })}>
            {plural(report.changed, "image")} changed
          </Button>
        </div>
        <Confusion cells={candidate.confusion} nameOf={nameOf} onOpen={setShown} />
      </section>
      {shown && <Asked project={project} run={run} shown={shown} nameOf={nameOf} />}
      <section class="models-part">
        <h2>Does 80 % mean 80 %?</h2>
        <Calibration live={live} candidate={candidate} />
      </section>
    </>
  );
}
