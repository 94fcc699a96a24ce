/** Time spent looking at one item: hidden tabs do not count, and a coffee counts as at most `idleAfterMs`. */
export class LookingClock {
  #spentMs = 0;
  #runningSince: number | null = null;

  constructor(
    private readonly now: () => number,
    private readonly idleAfterMs = 60_000,
  ) {}

  start(): void {
    this.#spentMs = 0;
    this.#runningSince = this.now();
  }

  pause(): void {
    this.#spentMs = this.read();
    this.#runningSince = null;
  }

  resume(): void {
    if (this.#runningSince === null) this.#runningSince = this.now();
  }

  /** Whole milliseconds since `start`, without the pauses. */
  read(): number {
    const running = this.#runningSince === null ? 0 : Math.min(this.now() - this.#runningSince, this.idleAfterMs);
    return Math.round(this.#spentMs + running);
  }
}
