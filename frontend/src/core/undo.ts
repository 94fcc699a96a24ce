/** What was done, in order, with a way back and forth. A new act forgets what had been undone. */
export class UndoStack<T> {
  #done: T[] = [];
  #undone: T[] = [];

  constructor(private readonly limit = 500) {}

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  push(act: T): void {
    this.#done.push(act);
    if (this.#done.length > this.limit) this.#done.shift();
    this.#undone = [];
  }

  /** Takes the last act back; the caller reverses it and may hand in what redo should repeat. */
  undo(): T | undefined {
    const act = this.#done.pop();
    if (act !== undefined) this.#undone.push(act);
    return act;
  }

  /** Returns the act to repeat; the caller calls `redone` with what it did. */
  redo(): T | undefined {
    return this.#undone.pop();
  }

  redone(act: T): void {
    this.#done.push(act);
  }
}
