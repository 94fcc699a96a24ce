import { Emitter } from "./emitter";
import type { Pending, PendingStore } from "./outbox-store";

export type SendResult =
  | { readonly kind: "saved"; readonly answer: unknown }
  | { readonly kind: "unauthorized" }
  | { readonly kind: "unreachable" }
  | { readonly kind: "refused"; readonly message: string };

export type OutboxState = "idle" | "sending" | "waiting" | "signed-out";

export interface OutboxOptions {
  readonly store: PendingStore;
  readonly send: (pending: Pending) => Promise<SendResult>;
  readonly onSaved?: (pending: Pending, answer: unknown) => void;
  readonly onSignedOut?: () => void;
  readonly now?: () => Date;
  readonly later?: (act: () => void, ms: number) => void;
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

/**
 * Work leaves the page through here, in order, one at a time. It is on disk before it is sent and is
 * forgotten only when the server has acknowledged it; a reload, a dead network or an ended session cost nothing.
 */
export class Outbox extends Emitter {
  #pending: Pending[] = [];
  #user: number | null = null;
  #state: OutboxState = "idle";
  #failures = 0;
  #draining: Promise<void> | null = null;

  constructor(private readonly options: OutboxOptions) {
    super();
  }

  get state(): OutboxState {
    return this.#state;
  }

  /** How many events this person made that the server has not acknowledged. */
  get unsaved(): number {
    return this.#mine().length;
  }

  get refused(): Pending[] {
    return this.#pending.filter((pending) => pending.user === this.#user && pending.refused !== undefined);
  }

  /** Takes up what earlier pages left behind, for this person; also how work goes on after signing in again. */
  async open(user: number): Promise<void> {
    this.#user = user;
    const stored = await this.options.store.all();
    const known = new Set(stored.map((pending) => pending.id));
    this.#pending = [...stored, ...this.#pending.filter((pending) => !known.has(pending.id))];
    this.#state = "idle";
    this.#failures = 0;
    this.changed();
    await this.flush();
  }

  /** Accepts one event. Resolves when it is on disk; it is on its way to the server from then on. */
  async add(event: Pick<Pending, "id" | "method" | "path" | "body">): Promise<void> {
    if (this.#user === null) throw new Error("The outbox was used before anyone signed in.");
    const pending: Pending = { ...event, user: this.#user, at: (this.options.now?.() ?? new Date()).toISOString() };
    this.#pending = [...this.#pending, pending];
    this.changed();
    try {
      await this.options.store.put(pending);
      if (!this.#pending.includes(pending)) await this.options.store.remove(pending.id); // sent while it was written
    } finally {
      void this.flush(); // a browser without storage still sends
    }
  }

  /** Sends what waits, now. Called when the network returns, when a timer rings, and after every `add`. */
  flush(): Promise<void> {
    if (this.#state === "signed-out") return Promise.resolve();
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = null;
    });
    return this.#draining;
  }

  /** A person read why an event was refused and lets it go. */
  async discard(id: string): Promise<void> {
    await this.#forget(id);
  }

  async #drain(): Promise<void> {
    for (let next = this.#mine()[0]; next !== undefined; next = this.#mine()[0]) {
      this.#become("sending");
      const result = await this.options.send(next);
      if (result.kind === "unreachable") return this.#retryLater();
      if (result.kind === "unauthorized") return this.#signedOut();
      this.#failures = 0;
      if (result.kind === "refused") await this.#refuse(next, result.message);
      else {
        await this.#forget(next.id);
        this.options.onSaved?.(next, result.answer);
      }
    }
    this.#become("idle");
  }

  #mine(): Pending[] {
    return this.#pending.filter((pending) => pending.user === this.#user && pending.refused === undefined);
  }

  #retryLater(): void {
    const wait = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LAST_RETRY_MS);
    this.#failures += 1;
    this.#become("waiting");
    const later = this.options.later ?? ((act, ms) => void setTimeout(act, ms));
    later(() => void this.flush(), wait);
  }

  #signedOut(): void {
    this.#become("signed-out");
    this.options.onSignedOut?.();
  }

  async #refuse(pending: Pending, message: string): Promise<void> {
    const refused = { ...pending, refused: message };
    this.#pending = this.#pending.map((other) => (other.id === pending.id ? refused : other));
    this.changed();
    await this.options.store.put(refused).catch(() => undefined);
  }

  async #forget(id: string): Promise<void> {
    await this.options.store.remove(id).catch(() => undefined);
    this.#pending = this.#pending.filter((pending) => pending.id !== id);
    this.changed();
  }

  #become(state: OutboxState): void {
    this.#state = state;
    this.changed();
  }
}
