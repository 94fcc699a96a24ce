import { useState } from "preact/hooks";
import { type Certificate, type CertificateState, certificates } from "@/api/certificates";
import { messageOf } from "@/api/client";
import { touched } from "@/api/events";
import { useTaxonomy } from "@/api/shared";
import { ago, count, percent, plural } from "@/core/format";
import { Progress } from "@/ui/Bar";
import { Button } from "@/ui/Button";
import { toast } from "@/ui/Toasts";

const SAID: Record<CertificateState, string> = {
  planning: "Being planned",
  auditing: "Waiting for audits",
  proved: "Proved, not yet accepted",
  unproved: "Not proved",
  accepted: "Stands",
  revoked: "Revoked",
  undone: "Taken back",
};
const MORE = 50;

export function CertificateCard({ project, item, owner }: { project: number; item: Certificate; owner: boolean }) {
  const { verdict, plan } = item;
  return (
    <article class="certificate" data-state={item.state} aria-label={`Certificate ${item.id}`}>
      <header>
        <h2>
          At most {percent(item.error)} wrong, {percent(item.level, 0)} sure
        </h2>
        <span class={`small ${item.state === "revoked" ? "danger" : "muted"}`}>{SAID[item.state]}</span>
      </header>
      {item.state === "auditing" && <Auditing item={item} />}
      {verdict.size !== undefined && verdict.size > 0 && (
        <p>
          {plural(verdict.size, "label")}: {verdict.errors} of {count(verdict.audited ?? 0)} audited{" "}
          {verdict.errors === 1 ? "was" : "were"} wrong, so at most <strong>{percent(verdict.bound ?? 1, 2)}</strong> of
          the others are.
        </p>
      )}
      {item.state === "unproved" && <p class="small muted">{needed(plan.sizes ?? [], plan.audits_needed ?? [])}</p>}
      <Excluded project={project} item={item} />
      {owner && <Acts project={project} item={item} />}
      <details>
        <summary class="small">What backs it</summary>
        <ul class="small muted">
          <li>{item.head ? `Labels by ${item.head}.` : "The head is named when the lot is planned."}</li>
          <li>{item.card.method}.</li>
          {item.card.assumes.map((line) => (
            <li key={line}>{line}.</li>
          ))}
        </ul>
      </details>
      <ol class="happened small">
        {item.history.map((event) => (
          <li key={event.at}>
            <span class="muted">{ago(event.at)}</span> {event.text}
          </li>
        ))}
      </ol>
    </article>
  );
}

function Auditing({ item }: { item: Certificate }) {
  const answered = item.verdict.answered ?? 0;
  return (
    <div class="auditing">
      <p class="small">
        {count(answered)} of {count(Math.min(item.audits, item.plan.region ?? item.audits))} audits answered. They come
        with ordinary work, without suggestions.
      </p>
      <Progress done={answered} total={item.audits} label="Audits answered" />
    </div>
  );
}

function needed(sizes: readonly number[], audits: readonly number[]): string {
  const at = audits.findIndex((value) => value > 0);
  const best = audits.length - 1 - [...audits].reverse().findIndex((value) => value > 0);
  if (at < 0) return "No number of audits would prove a lot at this goal: confirm more images first.";
  return `About ${count(audits[best] ?? 0)} audits would prove ${plural(sizes[best] ?? 0, "label")}, if confidence is right.`;
}

function Excluded({ project, item }: { project: number; item: Certificate }) {
  const { byId } = useTaxonomy(project);
  const open = (item.verdict.categories ?? []).filter(({ certified }) => !certified);
  if (open.length === 0) return null;
  return (
    <p class="small muted">
      Not certified on their own:{" "}
      {open
        .map(({ categories, reason }) => `${categories.map((id) => byId.get(id)?.name ?? "?").join(", ")} (${reason})`)
        .join("; ")}
      .
    </p>
  );
}

function Acts({ project, item }: { project: number; item: Certificate }) {
  const [busy, setBusy] = useState(false);
  const act = async (work: () => Promise<unknown>, done: (answer: unknown) => string): Promise<void> => {
    setBusy(true);
    try {
      toast(done(await work()));
      touched("certificates", "annotations", "images");
    } catch (failure) {
      toast(messageOf(failure), { tone: "danger" });
    } finally {
      setBusy(false);
    }
  };
  const labels = (answer: unknown): number => (answer as { labels: number }).labels;
  return (
    <div class="acts">
      {item.state === "proved" && (
        <Button
          kind="primary"
          disabled={busy}
          onClick={() =>
            void act(
              () => certificates.accept(project, item.id),
              (answer) => `${plural(labels(answer), "label")} accepted.`,
            )
          }
        >
          Accept the lot
        </Button>
      )}
      {item.state === "accepted" && (
        <Button
          disabled={busy}
          onClick={() =>
            void act(
              () => certificates.auditMore(project, item.id, MORE),
              () => `${MORE} more audits are on their way.`,
            )
          }
        >
          Audit {MORE} more
        </Button>
      )}
      {(item.state === "accepted" || item.state === "revoked") && (
        <Button
          kind="danger"
          disabled={busy}
          onClick={() =>
            void act(
              () => certificates.undo(project, item.id),
              (answer) => `${plural(labels(answer), "label")} taken back.`,
            )
          }
        >
          Take the lot back
        </Button>
      )}
    </div>
  );
}
