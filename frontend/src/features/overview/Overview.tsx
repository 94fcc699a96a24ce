import { useEffect, useState } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { touched } from "@/api/events";
import { useOverview, useProject } from "@/api/shared";
import type { Job, Overview as OverviewData } from "@/api/types";
import { count, plural } from "@/core/format";
import { mayOwn } from "@/core/roles";
import { Bar, Progress } from "@/ui/Bar";
import { Button, LinkButton } from "@/ui/Button";
import { useCommands } from "@/ui/commands";
import { Names } from "@/ui/Names";
import { Failed } from "@/ui/States";
import { RevokedNotice } from "../certificates/RevokedNotice";
import { Accuracy } from "./Accuracy";
import { CategoryTable } from "./CategoryTable";
import { DropZone } from "./DropZone";
import "./overview.css";

export default function Overview() {
  const { params } = useRoute();
  const id = Number(params.id);
  const project = useProject(id);
  const { data, error, reload } = useOverview(id);
  const [started, setStarted] = useState(false);
  const name = project.data?.name;
  useEffect(() => {
    if (name) document.title = `${name} · Winnow`;
  }, [name]);

  if (error && !data) return <div class="page">{<Failed error={error} onRetry={reload} />}</div>;
  if (!data || !project.data) return null;
  const owner = mayOwn(project.data.role);
  const untouched = data.counts.images === 0 && data.counts.processing === 0 && data.jobs.length === 0;
  if (owner && (untouched || started)) {
    return <Start id={id} data={data} onStarted={() => setStarted(true)} onDone={() => setStarted(false)} />;
  }
  return <Whole id={id} data={data} owner={owner} description={project.data.description} />;
}

/** A project without images is a place to put them. */
function Start({
  id,
  data,
  onStarted,
  onDone,
}: {
  id: number;
  data: OverviewData;
  onStarted: () => void;
  onDone: () => void;
}) {
  const named = data.categories.length;
  return (
    <div class="start">
      <h1 class="visually-hidden">Start the project</h1>
      <DropZone project={id} onStarted={onStarted} onSettled={() => touched("images", "jobs")} />
      <section class="start-names">
        <h2>Categories</h2>
        <p class="small muted">
          {named > 0
            ? `${plural(named, "category", "categories")} ready. Add more, or go on: names can change later.`
            : "What can an image be? Paste a list; the model starts suggesting as soon as it has names."}
        </p>
        <Names project={id} />
        {data.counts.images > 0 && (
          <div class="start-go">
            <Button kind="primary" onClick={onDone}>
              Go to the project
            </Button>
          </div>
        )}
      </section>
    </div>
  );
}

function Whole({
  id,
  data,
  owner,
  description,
}: {
  id: number;
  data: OverviewData;
  owner: boolean;
  description: string;
}) {
  const [adding, setAdding] = useState(false);
  const name = useProject(id).data?.name;
  return (
    <div class="page overview">
      <div class="page-head">
        <div>
          <h1>{name}</h1>
          {description && <p>{description}</p>}
        </div>
        <div class="row">
          {owner && (
            <Button icon="plus" aria-expanded={adding} onClick={() => setAdding(!adding)}>
              Add images
            </Button>
          )}
          <LabelLink id={id} />
        </div>
      </div>
      {adding && (
        <DropZone project={id} compact onStarted={() => undefined} onSettled={() => touched("images", "jobs")} />
      )}
      <Standing data={data} />
      {data.revoked.map((notice) => (
        <RevokedNotice key={notice.id} project={id} notice={notice} />
      ))}
      {data.counts.images === 0 && data.jobs[0] && <OnTheirWay id={id} job={data.jobs[0]} />}
      {data.categories.length === 0 && owner && data.counts.images > 0 && (
        <section class="overview-names">
          <h2>Name the categories</h2>
          <p class="muted">The images are here. With a list of names the model can start suggesting.</p>
          <Names project={id} />
        </section>
      )}
      <div class="overview-pair">
        <Accuracy data={data} />
        <Next data={data} />
      </div>
      {data.categories.length > 0 && <CategoryTable id={id} categories={data.categories} />}
    </div>
  );
}

/** Images that somebody else is bringing: an import by command, the demo being drawn. */
function OnTheirWay({ id, job }: { id: number; job: Job }) {
  return (
    <section class="overview-names">
      <h2>The first images are on their way</h2>
      <p class="muted">
        {job.title}
        {job.total > 0 && `: ${count(job.done)} of ${count(job.total)}`}. Meanwhile, see{" "}
        <a href={`/p/${id}/categories`}>what an image can be</a>.
      </p>
      {job.total > 0 && <Progress done={job.done} total={job.total} label={job.title} />}
    </section>
  );
}

function LabelLink({ id }: { id: number }) {
  const { route } = useLocation();
  const href = `/p/${id}/label`;
  useCommands("overview", [
    { id: "overview.label", title: "Start labelling", category: "This page", keys: ["Enter"], run: () => route(href) },
  ]);
  return (
    <LinkButton kind="primary" icon="label" command="overview.label" href={href}>
      Label
    </LinkButton>
  );
}

function Standing({ data }: { data: OverviewData }) {
  const { counts } = data;
  const unsure = Math.max(counts.images - counts.labeled - counts.predicted, 0);
  const facts = [
    `${count(counts.labeled)} confirmed`,
    `${count(counts.predicted)} predicted`,
    counts.need_eyes > 0 ? `${count(counts.need_eyes)} need eyes` : "",
    counts.flagged > 0 ? `${count(counts.flagged)} flagged` : "",
    counts.disputed > 0 ? `${count(counts.disputed)} disputed` : "",
    counts.processing > 0 ? `${count(counts.processing)} being read` : "",
    counts.rejected > 0 ? `${count(counts.rejected)} not accepted` : "",
  ].filter((fact) => fact !== "");
  return (
    <section aria-label="Standing">
      <Bar
        total={counts.images}
        height={14}
        parts={[
          { value: counts.labeled, tone: "confirmed", label: "confirmed" },
          { value: Math.min(counts.predicted, counts.images - counts.labeled), tone: "predicted", label: "predicted" },
          { value: unsure, tone: "waiting", label: "not yet predicted" },
        ]}
      />
      <p class="overview-facts">
        <strong>{plural(counts.images, "image")}</strong>
        {facts.map((fact) => (
          <span key={fact}> · {fact}</span>
        ))}
      </p>
    </section>
  );
}

function Next({ data }: { data: OverviewData }) {
  return (
    <section class="next">
      <h2>Next</h2>
      {data.next.length === 0 ? (
        <p class="muted">Nothing waits for you.</p>
      ) : (
        <ol>
          {data.next.map(({ text, href }) => (
            <li key={text}>
              <a href={href}>{text}</a>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
