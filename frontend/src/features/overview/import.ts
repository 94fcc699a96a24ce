import { isPassing, messageOf } from "@/api/client";
import { imports } from "@/api/endpoints";
import { Emitter } from "@/core/emitter";
import { type SentResult, type Upload, Uploader } from "@/core/upload";
import { type FoundFile, isArchive } from "@/ui/dropped";

/** One visit to the drop zone: a batch on the server, loose files in groups, archives one by one. */
export class Import extends Emitter {
  #batch: Promise<number> | null = null;
  #running = 0;
  error = "";
  started = false;

  readonly uploader: Uploader;

  constructor(private readonly project: number) {
    super();
    this.uploader = new Uploader({
      send: (files, onBytes) => this.#send(files, onBytes),
      worthRetrying: isPassing,
      alone: isArchive,
    });
    this.uploader.subscribe(() => this.changed());
  }

  get busy(): boolean {
    return this.#running > 0;
  }

  async take(files: readonly FoundFile[], foldersAsCategories: boolean): Promise<void> {
    this.started = true;
    this.error = "";
    this.#running += 1;
    this.changed();
    try {
      this.#batch ??= this.#open(files, foldersAsCategories);
      const batch = await this.#batch;
      await this.uploader.add(files);
      await imports.finish(this.project, batch);
    } catch (error) {
      this.#batch = null;
      this.error = messageOf(error);
    } finally {
      this.#running -= 1;
      this.changed();
    }
  }

  /** Sends again what no answer came for. */
  async retry(): Promise<void> {
    const failed = this.uploader.takeFailed();
    await this.take(failed, false);
  }

  async #open(files: readonly FoundFile[], foldersAsCategories: boolean): Promise<number> {
    const folder = files[0]?.path.split("/").slice(0, -1)[0];
    const name = folder ?? (files.length === 1 ? files[0]?.path : undefined) ?? "Dropped files";
    return (await imports.start(this.project, name, foldersAsCategories)).id;
  }

  async #send(files: readonly Upload[], onBytes: (sent: number) => void): Promise<readonly SentResult[]> {
    const batch = await this.#batch;
    if (batch === null) return files.map(() => ({ status: "rejected" as const, message: "The import did not start." }));
    const archive = files[0];
    if (archive !== undefined && isArchive(archive.path)) return this.#sendArchive(batch, archive, onBytes);
    const form = new FormData();
    for (const upload of files) {
      form.append("files", upload.file, upload.file.name);
      form.append("paths", upload.path);
    }
    const { results } = await imports.files(this.project, batch, form, onBytes);
    return results.map(({ status, message, reason }) => ({ status, message: message || reason }));
  }

  async #sendArchive(batch: number, archive: Upload, onBytes: (sent: number) => void): Promise<readonly SentResult[]> {
    const form = new FormData();
    form.append("file", archive.file, archive.file.name);
    await imports.archive(this.project, batch, form, onBytes);
    return [{ status: "stored" }];
  }
}
