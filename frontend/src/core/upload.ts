import { Emitter } from "./emitter";

export type UploadStatus = "waiting" | "sending" | "stored" | "duplicate" | "rejected" | "failed";

export interface Upload {
  readonly path: string;
  readonly file: File;
  readonly status: UploadStatus;
  readonly message: string;
}

export interface SentResult {
  readonly status: "stored" | "duplicate" | "rejected";
  readonly message?: string | undefined;
}

export interface UploaderOptions {
  /** Sends one group; results come in the order of the files. */
  readonly send: (files: readonly Upload[], onBytes: (sent: number) => void) => Promise<readonly SentResult[]>;
  readonly groupFiles?: number;
  readonly groupBytes?: number;
  readonly lanes?: number;
  /** Files that are sent in a request of their own. */
  readonly alone?: (path: string) => boolean;
  readonly wait?: (ms: number) => Promise<void>;
  /** Errors that another try can cure. */
  readonly worthRetrying?: (error: unknown) => boolean;
}

const ATTEMPTS = 5;

/** Sends many files in small groups, several at a time, and knows what became of each. */
export class Uploader extends Emitter {
  #uploads: Upload[] = [];
  #inFlight = new Map<number, number>();
  #bytesDone = 0;
  #running: Promise<void> | null = null;
  #next = 0;

  constructor(private readonly options: UploaderOptions) {
    super();
  }

  get uploads(): readonly Upload[] {
    return this.#uploads;
  }

  get busy(): boolean {
    return this.#running !== null;
  }

  get bytes(): { readonly sent: number; readonly total: number } {
    const flying = [...this.#inFlight.values()].reduce((sum, bytes) => sum + bytes, 0);
    const total = this.#uploads.reduce((sum, upload) => sum + upload.file.size, 0);
    return { sent: Math.min(this.#bytesDone + flying, total), total };
  }

  count(...statuses: UploadStatus[]): number {
    return this.#uploads.filter((upload) => statuses.includes(upload.status)).length;
  }

  /** Resolves when every file has been answered. More files may be added meanwhile. */
  add(files: readonly { readonly path: string; readonly file: File }[]): Promise<void> {
    this.#uploads = [...this.#uploads, ...files.map((file) => ({ ...file, status: "waiting" as const, message: "" }))];
    this.changed();
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      this.changed();
    });
    return this.#running;
  }

  /** Takes the files out for which no answer came, so that they can be added again. */
  takeFailed(): Upload[] {
    if (this.busy) return [];
    const failed = this.#uploads.filter((upload) => upload.status === "failed");
    this.#uploads = this.#uploads.filter((upload) => upload.status !== "failed");
    this.#next = this.#uploads.length;
    this.changed();
    return failed;
  }

  async #run(): Promise<void> {
    const lanes = Array.from({ length: this.options.lanes ?? 3 }, (_, lane) => this.#lane(lane));
    await Promise.all(lanes);
  }

  async #lane(lane: number): Promise<void> {
    for (let group = this.#take(); group.length > 0; group = this.#take()) await this.#send(lane, group);
  }

  /** The next group's positions: bounded in files and in bytes, never empty while files wait. */
  #take(): number[] {
    const group: number[] = [];
    let bytes = 0;
    while (this.#next < this.#uploads.length && group.length < (this.options.groupFiles ?? 50)) {
      const upload = this.#uploads[this.#next];
      if (upload === undefined) break;
      const alone = this.options.alone?.(upload.path) ?? false;
      if (group.length > 0 && (alone || bytes + upload.file.size > (this.options.groupBytes ?? 16_000_000))) break;
      bytes += upload.file.size;
      group.push(this.#next);
      this.#next += 1;
      if (alone) break;
    }
    return group;
  }

  async #send(lane: number, group: readonly number[]): Promise<void> {
    const files = group.flatMap((index) => this.#uploads[index] ?? []);
    this.#mark(group, () => ({ status: "sending", message: "" }));
    for (let attempt = 1; ; attempt += 1) {
      try {
        const results = await this.options.send(files, (sent) => {
          this.#inFlight.set(lane, sent);
          this.changed();
        });
        this.#settle(lane, files);
        this.#mark(group, (at) => outcome(results[at]));
        return;
      } catch (error) {
        this.#inFlight.delete(lane);
        if (attempt === ATTEMPTS || !(this.options.worthRetrying?.(error) ?? true)) {
          this.#mark(group, () => ({ status: "failed", message: error instanceof Error ? error.message : "" }));
          return;
        }
        await (this.options.wait ?? pause)(500 * 2 ** attempt);
      }
    }
  }

  #settle(lane: number, files: readonly Upload[]): void {
    this.#inFlight.delete(lane);
    this.#bytesDone += files.reduce((sum, upload) => sum + upload.file.size, 0);
  }

  #mark(group: readonly number[], change: (at: number) => { status: UploadStatus; message: string }): void {
    const changes = new Map(group.map((index, at) => [index, change(at)]));
    this.#uploads = this.#uploads.map((upload, index) => ({ ...upload, ...changes.get(index) }));
    this.changed();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const outcome = (result: SentResult | undefined): { status: UploadStatus; message: string } => ({
  status: result?.status ?? "failed",
  message: result?.message ?? "",
});
