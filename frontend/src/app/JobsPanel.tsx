import { useState } from "preact/hooks";
import { messageOf } from "@/api/client";
import { jobs as endpoint } from "@/api/endpoints";
import { touched } from "@/api/events";
import { useResource } from "@/api/resource";
import type { Job } from "@/api/types";
import { ago, count, seconds } from "@/core/format";
import { Progress } from "@/ui/Bar";
import { Button } from "@/ui/Button";
import { useCommands } from "@/ui/commands";
import { Failed } from "@/ui/States";
import { toast } from "@/ui/Toasts";
import "./jobs.css";

const WORDS: Readonly<Record<Job["state"], string>> = {
  queued: "waiting",
  running: "running",
  done: "done",
  failed: "failed",
  errored: "failed",
  cancelled: "cancelled",
};

export function JobsPanel({ project, onClose }: { project: number; onClose: () => void }) {
  const { data, error, reload } = useResource(`jobs/${project}`, (signal) => endpoint.list(project, false, signal), [
    "jobs",
  ]);
  useCommands("jobs", [
    { id: "jobs.close", title: "Close running work", category: "Here", keys: ["Escape"], run: onClose },
  ]);
  return (
    <aside class="jobs" aria-label="Running work">
      <header class="spread">
        <h2>Work</h2>
        <Button kind="quiet" icon="close" aria-label="Close" title="Close (Esc)" onClick={onClose} />
      </header>
      {error && <Failed error={error} onRetry={reload} />}
      {data?.items.length === 0 && <p class="muted">Nothing has run in this project yet.</p>}
      <ul>
        {data?.items.map((job) => (
          <JobRow key={job.id} job={job} />
        ))}
      </ul>
    </aside>
  );
}

function JobRow({ job }: { job: Job }) {
  const [open, setOpen] = useState(false);
  const act = async (what: (id: number) => Promise<unknown>): Promise<void> => {
    try {
      await what(job.id);
      touched("jobs");
    } catch (error) {
      toast(messageOf(error), { tone: "danger" });
    }
  };
  const live = job.state === "running" || job.state === "queued";
  return (
    <li class="job">
      <div class="spread">
        <h3>{job.title}</h3>
        <span class={`small ${job.error ? "danger" : "muted"}`}>{WORDS[job.state]}</span>
      </div>
      {live && job.total > 0 && <Progress done={job.done} total={job.total} label={job.title} />}
      <p class="small muted">{jobFacts(job)}</p>
      {job.error && <p class="small danger">{job.error}</p>}
      <div class="row job-acts">
        {job.can_cancel && <Button onClick={() => void act(endpoint.cancel)}>Cancel</Button>}
        {job.can_retry && <Button onClick={() => void act(endpoint.retry)}>Try again</Button>}
        <Button kind="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? "Hide log" : "Log"}
        </Button>
      </div>
      {open && <JobLog id={job.id} />}
    </li>
  );
}

function jobFacts(job: Job): string {
  const facts: string[] = [];
  if (job.total > 0) facts.push(`${count(job.done)} of ${count(job.total)}`);
  if (job.failed > 0) facts.push(`${count(job.failed)} failed`);
  if (job.rate && job.state === "running") facts.push(`${count(Math.round(job.rate))} a second`);
  if (job.seconds_left !== null && job.state === "running") facts.push(`${seconds(job.seconds_left)} left`);
  if (job.message && !job.error) facts.push(job.message);
  if (job.finished_at) facts.push(ago(job.finished_at));
  return facts.join(" · ");
}

function JobLog({ id }: { id: number }) {
  const { data, error } = useResource(`job/${id}`, (signal) => endpoint.read(id, signal), ["jobs"]);
  if (error) return <p class="small danger">{error.message}</p>;
  if (data?.log?.length === 0) return <p class="small muted">Nothing was logged.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
    <ol class="job-log" tabIndex={0} aria-label="Log">
      {data?.log?.map((line) => (
        <li key={`${line.at}${line.message}`} class={line.level === "error" ? "danger" : ""}>
          <time>{new Date(line.at).toLocaleTimeString("en-GB")}</time> {line.message}
        </li>
      ))}
    </ol>
  );
}
