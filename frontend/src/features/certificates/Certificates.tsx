import { useEffect, useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { type Certificate, certificates, type Scope } from "@/api/certificates";
import { messageOf } from "@/api/client";
import { touched } from "@/api/events";
import { useResource } from "@/api/resource";
import { useProject } from "@/api/shared";
import { mayOwn } from "@/core/roles";
import { Button, LinkButton } from "@/ui/Button";
import { Field, Select } from "@/ui/Field";
import { Failed } from "@/ui/States";
import { toast } from "@/ui/Toasts";
import { CertificateCard } from "./CertificateCard";
import "./certificates.css";

const SCOPES: readonly (readonly [Scope, string])[] = [
  ["lot", "of the accepted labels"],
  ["release", "of all labels of this release"],
];
const MEANS: Record<Scope, string> = {
  lot: "Of the labels that nobody looked at, taken by themselves, at most so many are wrong.",
  release:
    "More can be accepted: labels that people give to the rest count as right. The share holds once all is labelled; until then each release says what it comes to.",
};

/** What is promised about labels that nobody looked at, what backs it, and what it would take to promise more. */
export default function Certificates() {
  const { params } = useRoute();
  const project = Number(params.id);
  const owner = mayOwn(useProject(project).data?.role);
  const { data, error, reload } = useResource(
    `certificates/${project}`,
    (signal) => certificates.list(project, signal),
    ["certificates", "annotations", "jobs"],
  );
  useEffect(() => {
    document.title = "Certificates · Winnow";
  }, []);
  const standing = data?.items.some(({ state }) => state === "accepted") ?? false;
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <h1>Certificates</h1>
          <p>Labels that nobody has to look at, and how wrong they are at most.</p>
        </div>
        {standing && (
          <LinkButton icon="exports" href={`/p/${project}/exports?certified`}>
            Export certified labels
          </LinkButton>
        )}
      </div>
      {owner && <Ask project={project} />}
      {error && <Failed error={error} onRetry={reload} />}
      {data?.items.length === 0 && (
        <p class="muted">
          Nothing is promised yet. Say how wrong labels may be: Winnow draws images at random, people judge them without
          a suggestion, and their answers prove how much may be accepted unseen.
        </p>
      )}
      {data?.items.map((item: Certificate) => (
        <CertificateCard key={item.id} project={project} item={item} owner={owner} />
      ))}
    </div>
  );
}

function Ask({ project }: { project: number }) {
  const [error, setError] = useState("5");
  const [audits, setAudits] = useState("300");
  const [scope, setScope] = useState<Scope>("lot");
  const [busy, setBusy] = useState(false);
  const ask = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      await certificates.ask(project, Number(error) / 100, Number(audits), scope);
      touched("certificates", "jobs");
    } catch (failure) {
      toast(messageOf(failure), { tone: "danger" });
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="ask" onSubmit={(event) => void ask(event)}>
      <Field label="At most wrong, %" type="number" value={error} onInput={setError} required />
      <Select label="Of which labels" value={scope} onChange={setScope} options={SCOPES} />
      <Field label="Audits people will answer" type="number" value={audits} onInput={setAudits} required />
      <Button kind="primary" type="submit" disabled={busy}>
        Plan a lot
      </Button>
      <p class="small muted">{MEANS[scope]}</p>
    </form>
  );
}
