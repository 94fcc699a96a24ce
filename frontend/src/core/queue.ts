import { Emitter } from "./emitter";

/** What the queue needs to know of a leased image or page; the rest is carried along. */
export interface Leased {
  /** Tells it from all others on this desk. */
  readonly key: string;
}

export type EmptyReason = "no_images" | "processing" | "all_labeled" | "leased_by_others" | "category_done";

export interface LeaseAnswer<T extends Leased> {
  readonly items: readonly T[];
  readonly empty: EmptyReason | null;
  readonly remaining: number;
}

export interface Answer {
  /** UUID of the event, or of the commit when a whole page was answered. */
  readonly annotation: string;
  readonly kind: "label" | "skip" | "flag" | "page";
  readonly category: number | null;
  /** Of a page: how many tiles were confirmed, and of how many something else was said. */
  readonly confirmed?: number;
  readonly excepted?: number;
}

export interface Slot<T extends Leased> {
  readonly leased: T;
  readonly answer: Answer | null;
}

/** How many past entries stay in reach of undo and of the arrow keys. */
const KEEP_PAST = 500;

export type QueueState = "loading" | "ready" | "empty" | "failed";

export interface QueueOptions<T extends Leased> {
  readonly lease: (count: number, held: readonly T[]) => Promise<LeaseAnswer<T>>;
  /** How many to lease when these are all that wait, the one on screen included; 0 while they are enough. */
  readonly want: (ahead: readonly T[]) => number;
}

/** What lies on this person's desk: the past stays reachable, what comes next is leased before it is needed. */
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

  /** What is on screen and the next `count` after it, for the prefetcher. */
  upcoming(count: number): T[] {
    return this.#slots.slice(this.#position, this.#position + count + 1).map((slot) => slot.leased);
  }

  /** What is leased and not yet answered: to renew while working, to hand back when leaving. */
  open(): T[] {
    return this.#slots.filter((slot) => slot.answer === null).map((slot) => slot.leased);
  }

  /** Lets go of what lies open after the next `keep` entries, and says what that was. What is on screen stays. */
  letGo(keep: number, which: (leased: T) => boolean): T[] {
    const gone = this.#slots
      .filter((slot, index) => index > this.#position + keep && slot.answer === null && which(slot.leased))
      .map((slot) => slot.leased);
    this.#slots = this.#slots.filter((slot) => !gone.includes(slot.leased));
    if (gone.length > 0) this.changed();
    return gone;
  }

  /** Leases more when few are left. Several calls at once lease once. */
  fill(): Promise<void> {
    const ahead = this.#slots.slice(this.#position).filter((slot) => slot.answer === null);
    const count = this.options.want(ahead.map((slot) => slot.leased));
    if (count < 1) return this.#leasing ?? Promise.resolve();
    this.#leasing ??= this.#lease(count).finally(() => {
      this.#leasing = null;
      this.changed();
    });
    return this.#leasing;
  }

  /** Records the answer to what is on screen and moves to the next open one, before any server knows. */
  answer(answer: Answer): void {
    this.#slots = this.#slots.map((slot, index) => (index === this.#position ? { ...slot, answer } : slot));
    const ahead = this.#slots.findIndex((slot, index) => index > this.#position && slot.answer === null);
    const open = ahead < 0 ? this.#slots.findIndex((slot) => slot.answer === null) : ahead;
    this.#position = open < 0 ? this.#slots.length : open;
    this.changed();
    void this.fill();
  }

  /** Brings an entry back on screen with the answer that it had before. */
  restore(key: string, answer: Answer | null): void {
    const index = this.#lastOf(key);
    if (index < 0) return;
    this.#slots = this.#slots.map((slot, at) => (at === index ? { ...slot, answer } : slot));
    this.#position = index;
    this.changed();
  }

  show(key: string): void {
    const index = this.#lastOf(key);
    if (index >= 0) this.#moveTo(index);
  }

  previous(): void {
    if (this.#position > 0) this.#moveTo(this.#position - 1);
  }

  next(): void {
    if (this.#position < this.#slots.length - 1) this.#moveTo(this.#position + 1);
  }

  #lastOf(key: string): number {
    return this.#slots.findLastIndex((slot) => slot.leased.key === key);
  }

  #moveTo(index: number): void {
    this.#position = index;
    this.changed();
    void this.fill();
  }

  async #lease(count: number): Promise<void> {
    try {
      const answer = await this.options.lease(count, this.open());
      // The server may deal again what this person holds: answers on their way to it count as known.
      const known = new Set(this.#slots.map((slot) => slot.leased.key));
      const fresh = answer.items.filter(({ key }) => !known.has(key));
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
