import { connection } from "@/api/events";
import { outbox, outboxState, refusedWork, unsaved } from "@/api/outbox";
import { useOverview } from "@/api/shared";
import type { Job } from "@/api/types";
import { count, plural, seconds } from "@/core/format";
import { Button } from "@/ui/Button";

/** The one place for running work: what is done, who does it, how long it takes, what is not saved yet. */
export function Strip({ project, onJobs }: { project: number; onJobs: () => void }) {
  const { data } = useOverview(project);
  const job = data?.jobs.find(({ state }) => state === "running") ?? data?.jobs[0];
  const more = (data?.jobs.length ?? 0) - 1;
  const missing = Object.entries(data?.workers ?? {}).filter(([, alive]) => !alive);
  return (
    <div class="strip-live">
      {data && (
        <button type="button" class="strip-status" onClick={onJobs} title="Running work: progress, log, cancel">
          <span>
            {count(data.counts.labeled)} of {count(data.counts.images)} labelled
          </span>
          {job && (
            <span class="strip-job">
              {jobLine(job)}
              {more > 0 ? ` · ${more} more` : ""}
            </span>
          )}
          {!job && missing.length === 0 && <span class="faint">nothing running</span>}
          {missing.length > 0 && <span class="strip-warn">no {missing.map(([name]) => name).join(", ")} worker</span>}
        </button>
      )}
      {data && data.revoked.length > 0 && (
        <a class="strip-revoked small" href={`/p/${project}/certificates`} title={data.revoked[0]?.text}>
          certificate revoked
        </a>
      )}
      {connection.value === "polling" && <span class="strip-warn small">connection lost, trying again</span>}
      <Unsaved />
    </div>
  );
}

function jobLine(job: Job): string {
  const name = job.title.toLowerCase();
  if (job.state === "queued") return `${name} waits`;
  const progress = job.total > 0 ? ` ${count(job.done)}/${count(job.total)}` : "";
  const left = job.seconds_left === null ? "" : `, ${seconds(job.seconds_left)} left`;
  return `${name}${progress}${left}`;
}

function Unsaved() {
  const refused = refusedWork.value.length;
  return (
    <span role="status" class="strip-unsaved">
      {unsaved.value > 0 && (
        <span class={outboxState.value === "waiting" ? "strip-warn" : "muted"} data-testid="unsaved">
          {count(unsaved.value)} unsaved{outboxState.value === "waiting" ? ", kept here until the server answers" : ""}
        </span>
      )}
      {refused > 0 && (
        <Button
          kind="quiet"
          class="danger"
          title={refusedWork.value.map((pending) => pending.refused).join("\n")}
          onClick={() => {
            for (const pending of refusedWork.value) void outbox.discard(pending.id);
          }}
        >
          {plural(refused, "label")} refused: {refusedWork.value[0]?.refused} Dismiss
        </Button>
      )}
    </span>
  );
}
