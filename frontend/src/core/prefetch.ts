/** Keeps the images that come next decoded, so that showing one costs a paint and nothing else. */
export class Prefetcher<T> {
  readonly #held = new Map<string, { promise: Promise<T>; value?: T }>();

  constructor(
    private readonly load: (url: string) => Promise<T>,
    private readonly keep = 24,
  ) {}

  /** Starts what is missing and keeps the rest; what was wanted longest ago is let go first. */
  want(urls: readonly string[]): void {
    for (const url of urls) this.#touch(url);
    for (const url of [...this.#held.keys()]) {
      if (this.#held.size <= this.keep) break;
      if (!urls.includes(url)) this.#held.delete(url);
    }
  }

  /** The decoded image when it is ready. */
  ready(url: string): T | undefined {
    return this.#held.get(url)?.value;
  }

  get(url: string): Promise<T> {
    return this.#touch(url);
  }

  #touch(url: string): Promise<T> {
    const known = this.#held.get(url);
    if (known !== undefined) {
      this.#held.delete(url);
      this.#held.set(url, known);
      return known.promise;
    }
    const entry: { promise: Promise<T>; value?: T } = { promise: this.load(url) };
    this.#held.set(url, entry);
    entry.promise.then(
      (value) => {
        entry.value = value;
      },
      () => this.#held.delete(url), // the next wish tries again
    );
    return entry.promise;
  }
}
