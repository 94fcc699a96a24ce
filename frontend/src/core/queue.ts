import { Emitter } from "./emitter";

/** What the queue needs to know of a leased image; the rest is carried along. */
export interface Leased {
  readonly item: number;
  readonly token: string;
  readonly image: { readonly id: number; readonly display: string };
}

export type EmptyReason = "no_images" | "processing" | "all_labeled" | "leased_by_others";

export interface LeaseAnswer<T extends Leased> {
  readonly items: readonly T[];
  readonly empty: EmptyReason | null;
  readonly remaining: number;
}

export interface Answer {
  readonly annotation: string;
  readonly kind: "label" | "skip" | "flag";
  readonly category: number | null;
}

export interface Slot<T extends Leased> {
  readonly leased: T;
  readonly answer: Answer | null;
}

/** How many past images stay in reach of the arrow keys. */
const KEEP_PAST = 500;

export type QueueState = "loading" | "ready" | "empty" | "failed";

export interface QueueOptions<T extends Leased> {
  readonly lease: (count: number) => Promise<LeaseAnswer<T>>;
  readonly block?: number;
  readonly lowWater?: number;
}

/** The images on this person's desk: past ones stay reachable, the next ones are leased before they are needed. */
export class LabelingQueue<T extends Leased> extends Emitter {
  #slots: Slot<T>[] = [];
  #position = 0;
  #empty: EmptyReason | null = null;
  #error: Error | null = null;
  #remaining = 0;
  #leasing: Promise<void> | null = null;

  constructor(private readonly options: QueueOptions<T>) {
    super();
  }

  get current(): Slot<T> | undefined {
    return this.#slots[this.#position];
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#remaining;
  }

  get emptyReason(): EmptyReason | null {
    return this.#empty;
  }

  get error(): Error | null {
    return this.#error;
  }

  get state(): QueueState {
    if (this.current !== undefined) return "ready";
    if (this.#error !== null) return "failed";
    if (this.#leasing !== null) return "loading";
    return this.#empty === null ? "loading" : "empty";
  }

  /** The next `count` images after the one on screen, for the prefetcher. */
  upcoming(count: number): T[] {
    return this.#slots.slice(this.#position, this.#position + count + 1).map((slot) => slot.leased);
  }

  /** Tokens of what is leased and not yet answered: to renew while working, to hand back when leaving. */
  openTokens(): string[] {
    return this.#slots.filter((slot) => slot.answer === null).map((slot) => slot.leased.token);
  }

  /** Leases more when few are left. Several calls at once lease once. */
  fill(): Promise<void> {
    const ahead = this.#slots.slice(this.#position).filter((slot) => slot.answer === null).length;
    if (ahead > (this.options.lowWater ?? 8)) return Promise.resolve();
    this.#leasing ??= this.#lease().finally(() => {
      this.#leasing = null;
      this.changed();
    });
    return this.#leasing;
  }

  /** Records the answer to the image on screen and moves to the next open one, before any server knows. */
  answer(answer: Answer): void {
    this.#slots = this.#slots.map((slot, index) => (index === this.#position ? { ...slot, answer } : slot));
    const ahead = this.#slots.findIndex((slot, index) => index > this.#position && slot.answer === null);
    const open = ahead < 0 ? this.#slots.findIndex((slot) => slot.answer === null) : ahead;
    this.#position = open < 0 ? this.#slots.length : open;
    this.changed();
    void this.fill();
  }

  /** Brings an image back on screen with the answer that it had before. */
  restore(image: number, answer: Answer | null): void {
    const index = this.#slots.findIndex((slot) => slot.leased.image.id === image);
    if (index < 0) return;
    this.#slots = this.#slots.map((slot, at) => (at === index ? { ...slot, answer } : slot));
    this.#position = index;
    this.changed();
  }

  show(image: number): void {
    const index = this.#slots.findIndex((slot) => slot.leased.image.id === image);
    if (index >= 0) this.#moveTo(index);
  }

  previous(): void {
    if (this.#position > 0) this.#moveTo(this.#position - 1);
  }

  next(): void {
    if (this.#position < this.#slots.length - 1) this.#moveTo(this.#position + 1);
  }

  #moveTo(index: number): void {
    this.#position = index;
    this.changed();
    void this.fill();
  }

  async #lease(): Promise<void> {
    try {
      const answer = await this.options.lease(this.options.block ?? 20);
      const known = new Set(this.#slots.filter((slot) => slot.answer === null).map((slot) => slot.leased.image.id));
      const fresh = answer.items.filter((item) => !known.has(item.image.id));
      const drop = Math.max(this.#position - KEEP_PAST, 0);
      this.#slots = [...this.#slots.slice(drop), ...fresh.map((leased) => ({ leased, answer: null }))];
      this.#position -= drop;
      this.#empty = answer.empty;
      this.#remaining = answer.remaining;
      this.#error = null;
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error));
    }
  }
}
