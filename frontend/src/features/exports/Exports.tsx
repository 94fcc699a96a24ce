import { useEffect, useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { messageOf } from "@/api/client";
import { exports as endpoint } from "@/api/endpoints";
import { touched } from "@/api/events";
import { useResource } from "@/api/resource";
import { useOverview } from "@/api/shared";
import type { Export, ExportFormat } from "@/api/types";
import { ago, bytes, count, plural } from "@/core/format";
import { Progress } from "@/ui/Bar";
import { Button, LinkButton } from "@/ui/Button";
import { Failed } from "@/ui/States";
import { toast } from "@/ui/Toasts";
import "./exports.css";

const FORMATS: readonly { readonly id: ExportFormat; readonly name: string; readonly use: string }[] = [
  {
    id: "imagefolder",
    name: "ImageFolder ZIP",
    use: "A folder for each category with its images: what torchvision and most trainers read.",
  },
  {
    id: "jsonl",
    name: "JSONL",
    use: "One line an image with its label, evidence and history: for scripts and audits.",
  },
  { id: "csv", name: "CSV", use: "A table of images and labels: for spreadsheets and a quick look." },
  {
    id: "parquet",
    name: "Parquet",
    use: "Images and labels in one columnar file: loads straight into Hugging Face datasets.",
  },
  { id: "labelstudio", name: "Label Studio JSON", use: "Tasks with annotations: to go on labelling in Label Studio." },
];

const asked = (): boolean => new URLSearchParams(location.search).has("certified");

export default function Exports() {
  const { params } = useRoute();
  const project = Number(params.id);
  const { data, error, reload } = useResource(`exports/${project}`, (signal) => endpoint.list(project, signal), [
    "exports",
    "jobs",
  ]);
  const overview = useOverview(project).data;
  const [certified, setCertified] = useState(asked);
  useEffect(() => {
    document.title = "Exports · Winnow";
  }, []);
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <h1>Exports</h1>
          <p>
            {overview && overview.counts.labeled > 0
              ? `${plural(overview.counts.labeled, "confirmed label")}, frozen at the moment you ask, while labelling goes on.`
              : "Nothing is labelled yet; an export would hold no labels."}
          </p>
        </div>
      </div>
      <label class="row small only-certified">
        <input type="checkbox" checked={certified} onChange={(event) => setCertified(event.currentTarget.checked)} />
        Only certified labels: lots under a certificate that stands, and their audits. Each carries its promise.
      </label>
      <ul class="formats">
        {FORMATS.map((format) => (
          <FormatCard key={format.id} project={project} certified={certified} {...format} />
        ))}
      </ul>
      {error && <Failed error={error} onRetry={reload} />}
      {data && data.items.length > 0 && (
        <section class="past">
          <h2>Made so far</h2>
          <ul>
            {data.items.map((item) => (
              <PastExport key={item.id} item={item} />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

interface FormatProps {
  project: number;
  certified: boolean;
  id: ExportFormat;
  name: string;
  use: string;
}

function FormatCard({ project, certified, id, name, use }: FormatProps) {
  const [busy, setBusy] = useState(false);
  const start = async (): Promise<void> => {
    setBusy(true);
    try {
      await endpoint.start(project, id, certified);
      touched("exports", "jobs");
    } catch (error) {
      toast(messageOf(error), { tone: "danger" });
    } finally {
      setBusy(false);
    }
  };
  return (
    <li class="format">
      <h2>{name}</h2>
      <p class="small muted">{use}</p>
      <Button icon="exports" disabled={busy} aria-label={`Export ${name}`} onClick={() => void start()}>
        Export
      </Button>
    </li>
  );
}

function PastExport({ item }: { item: Export }) {
  const name = FORMATS.find((format) => format.id === item.format)?.name ?? item.format;
  const failed = item.state === "failed" || item.state === "errored" || item.state === "cancelled";
  return (
    <li class="past-row" data-state={item.state}>
      <div>
        <h3>{name}</h3>
        <p class="small muted">
          {ago(item.created_at)}
          {item.item_count > 0 && ` · ${plural(item.item_count, item.options.certified ? "certified label" : "label")}`}
          {item.byte_size > 0 && ` · ${bytes(item.byte_size)}`}
          {item.digest && (
            <>
              {" · "}
              <span title={item.digest}>sha256 {item.digest.slice(0, 12)}</span>
            </>
          )}
        </p>
      </div>
      {item.download ? (
        <LinkButton icon="exports" href={item.download} download={item.file_name}>
          Download
        </LinkButton>
      ) : failed ? (
        <span class="small danger">{item.error || "This export did not finish."}</span>
      ) : (
        <div class="past-progress">
          <span class="small muted">
            {item.item_count > 0 ? `${count(item.done)} of ${count(item.item_count)}` : "waiting"}
          </span>
          <Progress done={item.done} total={item.item_count} label={`${name} in the making`} />
        </div>
      )}
    </li>
  );
}
