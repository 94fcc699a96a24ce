import { useEffect, useRef, useState } from "preact/hooks";
import { bytes, count, plural } from "@/core/format";
import { Progress } from "@/ui/Bar";
import { Button } from "@/ui/Button";
import { type FoundFile, filesDropped, filesPicked } from "@/ui/dropped";
import { Icon } from "@/ui/Icon";
import { Import } from "./import";

interface DropZoneProps {
  project: number;
  compact?: boolean;
  onStarted: () => void;
  /** Called when files were taken in, so that the page counts again. */
  onSettled: () => void;
}

export function DropZone({ project, compact, onStarted, onSettled }: DropZoneProps) {
  const [run] = useState(() => new Import(project));
  const [, redraw] = useState(0);
  const [over, setOver] = useState(false);
  const [folders, setFolders] = useState(false);
  const settled = useRef(onSettled);
  settled.current = onSettled;
  useEffect(() => run.subscribe(() => redraw((now) => now + 1)), [run]);

  const take = async (files: Promise<FoundFile[]> | FoundFile[]): Promise<void> => {
    setOver(false);
    const found = await files;
    if (found.length === 0) return;
    onStarted();
    await run.take(found, folders);
    settled.current();
  };

  return (
    <section
      class={`drop ${over ? "drop-over" : ""} ${compact ? "drop-compact" : ""}`}
      aria-label="Add images"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!(event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget))) setOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        if (event.dataTransfer) void take(filesDropped(event.dataTransfer));
      }}
    >
      <div class="drop-invite">
        {!compact && <Icon name="images" size={40} />}
        <h2>{over ? "Let go to add them" : "Drop images, a folder or a ZIP here"}</h2>
        {!compact && (
          <p class="muted">
            JPEG, PNG, WebP or GIF. Copies of the same image are kept once; what cannot be read is listed.
          </p>
        )}
        <div class="row drop-pick">
          <Pick icon="file" label="Choose files" onFiles={(files) => void take(filesPicked(files))} />
          <Pick icon="folder" label="Choose a folder" folder onFiles={(files) => void take(filesPicked(files))} />
        </div>
        <label class="row small muted">
          <input type="checkbox" checked={folders} onChange={(event) => setFolders(event.currentTarget.checked)} />
          The folder names are categories
        </label>
      </div>
      {run.started && <ImportProgress run={run} />}
    </section>
  );
}

function Pick({
  icon,
  label,
  folder,
  onFiles,
}: {
  icon: "file" | "folder";
  label: string;
  folder?: boolean;
  onFiles: (files: FileList) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (folder) input.current?.setAttribute("webkitdirectory", "");
  }, [folder]);
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={label}
        {...(folder ? {} : { accept: "image/jpeg,image/png,image/webp,image/gif,.zip,.tar,.tgz,.tar.gz" })}
        onChange={(event) => {
          if (event.currentTarget.files) onFiles(event.currentTarget.files);
          event.currentTarget.value = "";
        }}
      />
      <Button icon={icon} onClick={() => input.current?.click()}>
        {label}
      </Button>
    </>
  );
}

const SHOWN = 200;

function ImportProgress({ run }: { run: Import }) {
  const { uploader } = run;
  const { sent, total } = uploader.bytes;
  const settled = uploader.count("stored", "duplicate", "rejected", "failed");
  const bad = [...uploader.uploads.filter(({ status }) => status === "rejected" || status === "failed")];
  const moving = uploader.uploads.filter(({ status }) => status === "sending").slice(0, 6);
  return (
    <div class="import" role="status">
      <div class="spread">
        <strong>
          {count(settled)} of {plural(uploader.uploads.length, "file")}
        </strong>
        <span class="small muted">
          {bytes(sent)} of {bytes(total)}
        </span>
      </div>
      <Progress done={settled} total={uploader.uploads.length} label="Files sent" />
      <p class="small muted">
        {count(uploader.count("stored"))} added · {count(uploader.count("duplicate"))} already here ·{" "}
        {count(bad.length)} not added
        {!run.busy && " · finished"}
      </p>
      {run.error && <p class="small danger">{run.error}</p>}
      <ul class="import-files">
        {bad.slice(0, SHOWN).map((upload) => (
          <li key={upload.path}>
            {!upload.message.includes(upload.file.name) && <span class="import-name">{upload.path}</span>}
            <span class="danger">{upload.message || "not added"}</span>
          </li>
        ))}
        {moving.map((upload) => (
          <li key={upload.path}>
            <span class="import-name">{upload.path}</span>
            <span class="faint">sending {bytes(upload.file.size)}</span>
          </li>
        ))}
      </ul>
      {bad.length > SHOWN && <p class="small muted">and {count(bad.length - SHOWN)} more</p>}
      {uploader.count("failed") > 0 && !run.busy && (
        <Button onClick={() => void run.retry()}>Send the failed ones again</Button>
      )}
    </div>
  );
}
