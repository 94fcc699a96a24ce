import { useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { messageOf } from "@/api/client";
import { type ReleaseReport, type ReportLine, releases } from "@/api/release";
import { useResource } from "@/api/resource";
import { useProject } from "@/api/shared";
import { count, percent, plural } from "@/core/format";
import { mayReview } from "@/core/roles";
import { Button, LinkButton } from "@/ui/Button";
import { Field, Select } from "@/ui/Field";
import { Empty, Failed } from "@/ui/States";
import { toast } from "@/ui/Toasts";
import { Wide } from "@/ui/Wide";
import { InsightHead } from "./Tabs";
import { GRADES } from "./words";
import "./report.css";

/** A release as an owner hands it over: what is in it, how right it is, what backs it. Prints as it stands. */
export default function Report() {
  const { params } = useRoute();
  const project = Number(params.id);
  const role = useProject(project).data?.role;
  if (role !== undefined && !mayReview(role)) {
    return (
      <Empty title="Release reports are for reviewers and owners">
        <p>Ask one of them for the document.</p>
      </Empty>
    );
  }
  return role === undefined ? null : <Choosing project={project} />;
}

function Choosing({ project }: { project: number }) {
  const [chosen, setChosen] = useState<number | null>(null);
  const [names, setNames] = useState(false);
  const { data, error, reload } = useResource(`releases/${project}`, (signal) => releases.list(project, signal));
  const snapshot = chosen ?? data?.items[0]?.id ?? null;
  return (
    <div class="page report-page">
      <div class="screen-only">
        <InsightHead project={project} title="Release report">
          What a release holds, how right it is as far as anybody looked, and what backs it.
        </InsightHead>
        {error && <Failed error={error} onRetry={reload} />}
        <div class="report-acts">
          {data && data.items.length > 0 && (
            <>
              <Select
                label="Release"
                value={String(snapshot)}
                options={data.items.map(
                  (one) => [String(one.id), `${one.name || `Release ${one.id}`} · ${count(one.item_count)}`] as const,
                )}
                onChange={(value) => setChosen(Number(value))}
              />
              <label class="report-names">
                <input type="checkbox" checked={names} onChange={(event) => setNames(event.currentTarget.checked)} />
                Name people
              </label>
              {snapshot !== null && (
                <LinkButton
                  kind="primary"
                  icon="file"
                  href={releases.documentUrl(project, snapshot, names)}
                  download={`winnow-release-${snapshot}.pdf`}
                >
                  Download PDF
                </LinkButton>
              )}
            </>
          )}
          {data && (
            <Freeze
              project={project}
              first={data.items.length === 0}
              onMade={(id) => {
                setChosen(id);
                reload();
              }}
            />
          )}
        </div>
        {data?.items.length === 0 && (
          <p class="muted">
            A report speaks of a release: labels frozen under a digest. Nothing was released yet; an export freezes one
            too.
          </p>
        )}
      </div>
      {snapshot !== null && <Sheet key={`${snapshot}`} project={project} snapshot={snapshot} names={names} />}
    </div>
  );
}

function Freeze({ project, first, onMade }: { project: number; first: boolean; onMade: (id: number) => void }) {
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const freeze = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      onMade((await releases.freeze(project, name.trim())).id);
      setName("");
    } catch (failure) {
      toast(messageOf(failure), { tone: "danger" });
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="report-freeze" onSubmit={(event) => void freeze(event)}>
      <Field label="New release" value={name} onInput={setName} placeholder="its name" maxLength={120} />
      <Button type="submit" kind={first ? "primary" : "plain"} disabled={busy}>
        Freeze the labels of now
      </Button>
    </form>
  );
}

function Sheet({ project, snapshot, names }: { project: number; snapshot: number; names: boolean }) {
  const { data, error, reload } = useResource(
    `report/${project}/${snapshot}/${names}`,
    (signal) => releases.report(project, snapshot, names, signal),
    ["annotations", "certificates"],
  );
  if (error) return <Failed error={error} onRetry={reload} />;
  return data === undefined ? null : <Paper report={data} />;
}

function Paper({ report }: { report: ReleaseReport }) {
  const { snapshot, total, head } = report;
  const when = (iso: string): string =>
    new Date(iso).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
  return (
    <article class="paper">
      <h2>{report.project}</h2>
      <dl class="paper-facts">
        <dt>Release</dt>
        <dd>
          {snapshot.name || `Release ${snapshot.id}`}, frozen {when(snapshot.created_at)}
        </dd>
        <dt>Digest</dt>
        <dd class="paper-digest">{snapshot.digest}</dd>
        <dt>Labels</dt>
        <dd>
          {count(snapshot.item_count)}
          {Object.entries(report.splits).map(([part, n]) => ` · ${count(n)} ${part}`)}
        </dd>
        <dt>Categories</dt>
        <dd>
          {count(report.categories.length)}, taxonomy revision {snapshot.taxonomy_revision}
        </dd>
        <dt>Report made</dt>
        <dd>{when(report.made_at)}</dd>
      </dl>
      <h3>How right it is</h3>
      <p>
        {total.accuracy.value === null
          ? `Not yet known: ${count(total.accuracy.n)} of ${plural(total.items, "label")} were checked by somebody else; ${count(total.accuracy.needed)} more are needed before a figure means anything.`
          : `${percent(total.accuracy.value)} of ${plural(total.accuracy.n, "checked label")} are right (${percent(total.accuracy.low)} to ${percent(total.accuracy.high)}).`}
      </p>
      <Certificates report={report} />
      <Lines title="By how labels came to be" lines={report.evidence} named={(line) => gradeOf(line.name)} />
      <Lines title="By category" lines={report.categories} />
      <Lines title="By person" lines={report.annotators} />
      {head && (
        <>
          <h3>Model in use</h3>
          <p>
            {head.name} on {head.encoder}, from {plural(head.labels, "label")}:{" "}
            {head.accuracy.value === null
              ? `accuracy not yet known (${count(head.accuracy.n)} blind answers)`
              : `${percent(head.accuracy.value)} right (${percent(head.accuracy.low)} to ${percent(head.accuracy.high)}) on ${count(head.accuracy.n)} blind answers`}
            .
          </p>
        </>
      )}
      <h3>What this assumes</h3>
      <ul class="paper-list">
        {report.assumes.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <h3>Method</h3>
      <ul class="paper-list">
        {report.method.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </article>
  );
}

const gradeOf = (name: string): string => (name in GRADES ? GRADES[name as keyof typeof GRADES] : name);

function Certificates({ report }: { report: ReleaseReport }) {
  if (report.certificates.length === 0) {
    return <p class="muted">No label of this release was accepted unseen under a certificate.</p>;
  }
  return (
    <ul class="paper-list">
      {report.certificates.map((card) => (
        <li key={card.id}>
          Certificate {card.id}: {card.promise} {card.here} {count(card.wrong ?? 0)} of {count(card.audited ?? 0)}{" "}
          audited labels were wrong; the lot holds {count(card.labels ?? 0)}.
          {card.bound !== null && ` The bound is ${percent(card.bound, 2)}.`} Labels by {card.head}.
          {card.now !== "accepted" && (
            <strong class="danger"> Since this release was frozen it has become {card.now}.</strong>
          )}
          <span class="small muted"> Assumes that {card.assumes.join("; ")}.</span>
        </li>
      ))}
    </ul>
  );
}

function Lines({
  title,
  lines,
  named = ({ name }) => name,
}: {
  title: string;
  lines: readonly ReportLine[];
  named?: (line: ReportLine) => string;
}) {
  if (lines.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <Wide label={title}>
        <table class="figures-table paper-table">
          <thead>
            <tr>
              <th scope="col">
                <span class="visually-hidden">Name</span>
              </th>
              <th scope="col" class="number">
                Labels
              </th>
              <th scope="col" class="number">
                Checked
              </th>
              <th scope="col" class="number">
                Right
              </th>
              <th scope="col" class="number">
                95 % interval
              </th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line, at) => (
              <tr key={line.key ?? at}>
                <th scope="row">{named(line)}</th>
                <td class="number">{count(line.items)}</td>
                <td class="number">{count(line.accuracy.n)}</td>
                <td class="number">
                  {line.accuracy.value === null ? (
                    <span class="faint">not yet known</span>
                  ) : (
                    percent(line.accuracy.value)
                  )}
                </td>
                <td class="number">
                  {line.accuracy.value !== null && `${percent(line.accuracy.low)} to ${percent(line.accuracy.high)}`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </>
  );
}
