import { useState } from "preact/hooks";
import { type Certificate, type CertificateState, certificates, type LaterAudits } from "@/api/certificates";
import { messageOf } from "@/api/client";
import { touched } from "@/api/events";
import { ago, count, percent, plural, share } from "@/core/format";
import { Progress } from "@/ui/Bar";
import { Button } from "@/ui/Button";
import { toast } from "@/ui/Toasts";
import { CategoryVerdicts } from "./CategoryVerdicts";
import { WhatItTakes } from "./WhatItTakes";
import "./revoked.css";

const SAID: Record<CertificateState, string> = {
  planning: "Being planned",
  auditing: "Waiting for audits",
  proved: "Proved, not yet accepted",
  unproved: "Not proved",
  accepted: "Stands",
  revoked: "Revoked",
  undone: "Taken back",
  withdrawn: "Withdrawn",
};
/** Something is asked of people, or was, and nothing is accepted. */
const PLANNED: ReadonlySet<CertificateState> = new Set(["auditing", "proved", "unproved"]);
const WITHDRAWABLE: ReadonlySet<CertificateState> = new Set(["planning", "auditing", "proved", "unproved"]);
const MORE = 50;

export function CertificateCard({ project, item, owner }: { project: number; item: Certificate; owner: boolean }) {
  const { verdict, plan } = item;
  return (
    <article class="certificate" data-state={item.state} aria-label={`Certificate ${item.id}`}>
      <header>
        <h2>
          At most {share(item.error)} {item.scope === "release" && "of all labels "}wrong, {percent(item.level, 0)} sure
        </h2>
        <span class={`small ${item.state === "revoked" ? "danger" : "muted"}`}>{SAID[item.state]}</span>
      </header>
      {item.state === "revoked" && <Broken item={item} owner={owner} />}
      {PLANNED.has(item.state) && <WhatItTakes plan={plan} audits={item.audits} begun={(verdict.answered ?? 0) > 0} />}
      {PLANNED.has(item.state) && <Auditing item={item} />}
      {verdict.size !== undefined && verdict.size > 0 && (
        <p>
          {plural(verdict.size, "label")}: {verdict.errors} of {count(verdict.audited ?? 0)} audited{" "}
          {verdict.errors === 1 ? "was" : "were"} wrong, so at most <strong>{percent(verdict.bound ?? 1, 2)}</strong> of{" "}
          {plan.among === undefined ? "the others" : `all ${count(plan.among)} labels`} are.
        </p>
      )}
      {verdict.later && <Later later={verdict.later} error={item.error} />}
      <CategoryVerdicts project={project} verdicts={verdict.categories ?? []} />
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
  const asked = item.plan.drawn ?? item.audits;
  if (answered >= asked) return null;
  return (
    <div class="auditing">
      <p class="small">
        {count(answered)} of {count(asked)} audits answered. They come with ordinary work, without suggestions; one that
        nobody answers counts as wrong.
      </p>
      <Progress done={answered} total={asked} label="Audits answered" />
    </div>
  );
}

/** How later audits find the lot. The interval is true however often it is looked at. */
function Later({ later, error }: { later: LaterAudits; error: number }) {
  if (later.drawn === 0) return null;
  const open = later.drawn - later.answered;
  return (
    <p class="small">
      Later audits: {later.wrong} of {count(later.answered)} wrong
      {open > 0 && `, ${count(open)} not answered yet`}. Between {percent(later.low)} and {percent(later.high)} of the
      labels are wrong, however often one looks
      {later.high <= error ? ": they alone prove the promise anew." : "."}
    </p>
  );
}

/** What would be told to a customer about a promise that broke. */
function Broken({ item, owner }: { item: Certificate; owner: boolean }) {
  return (
    <div class="revoked">
      <p>{item.history.at(-1)?.text}</p>
      <p class="small">
        No export calls these labels certified any more. They stay in the data set until{" "}
        {owner ? "you take the lot back" : "an owner takes the lot back"}.
      </p>
    </div>
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
      {WITHDRAWABLE.has(item.state) && (
        <Button
          disabled={busy}
          onClick={() =>
            void act(
              () => certificates.withdraw(project, item.id),
              () => "Nobody is asked any further.",
            )
          }
        >
          Withdraw
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
