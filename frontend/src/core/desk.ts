import type { LookingClock } from "./clock";
import { Emitter } from "./emitter";
import type { Answer, LabelingQueue, Leased } from "./queue";
import { UndoStack } from "./undo";

export interface Suggested {
  readonly category: number;
  readonly probability: number;
}

export interface DeskItem extends Leased {
  readonly blind: boolean;
  readonly suggestions: readonly Suggested[];
}

export type Input = "digit" | "type" | "mouse" | "same";

/** One event as the server takes it; its UUID is made by `record`. */
export interface Judgement {
  readonly image: number;
  readonly kind: "label" | "skip" | "flag" | "undo";
  readonly category?: number;
  readonly undoes?: string;
  readonly token?: string;
  readonly blind?: boolean;
  readonly comment?: string;
  readonly duration_ms?: number;
  readonly evidence_details?: {
    readonly suggested?: number;
    readonly probability?: number;
    readonly rank?: number;
    readonly input?: Input;
  };
}

interface Act {
  readonly image: number;
  readonly before: Answer | null;
  readonly given: Answer;
  readonly judgement: Judgement;
}

const RECENT = 5;

/** Where one person labels: every act is recorded as an event, the screen moves at once, and each can be taken back. */
export class Desk<T extends DeskItem> extends Emitter {
  readonly #acts = new UndoStack<Act>();
  #recent: number[] = [];
  #last: { readonly image: number; readonly answer: Answer } | null = null;
  #made = 0;

  constructor(
    readonly queue: LabelingQueue<T>,
    private readonly clock: LookingClock,
    private readonly record: (judgement: Judgement) => string,
  ) {
    super();
    let shown: number | undefined;
    queue.subscribe(() => {
      const now = queue.current?.leased.image.id;
      if (now !== shown) this.clock.start();
      shown = now;
      this.changed();
    });
  }

  /** The categories this person gave last, newest first, each once. */
  get recent(): readonly number[] {
    return this.#recent;
  }

  get last(): { readonly image: number; readonly answer: Answer } | null {
    return this.#last;
  }

  /** Labels, skips and flags made on this visit, less those taken back. */
  get made(): number {
    return this.#made;
  }

  get canUndo(): boolean {
    return this.#acts.canUndo;
  }

  get canRedo(): boolean {
    return this.#acts.canRedo;
  }

  label(category: number, input: Input): void {
    const item = this.queue.current?.leased;
    if (item === undefined) return;
    const rank = item.suggestions.findIndex((suggestion) => suggestion.category === category);
    const taken = item.suggestions[rank];
    this.#judge(item, {
      kind: "label",
      category,
      evidence_details: {
        input,
        ...(taken === undefined ? {} : { suggested: category, rank: rank + 1, probability: taken.probability }),
      },
    });
    this.#recent = [category, ...this.#recent.filter((other) => other !== category)].slice(0, RECENT);
  }

  skip(): void {
    const item = this.queue.current?.leased;
    if (item !== undefined) this.#judge(item, { kind: "skip" });
  }

  flag(comment = ""): void {
    const item = this.queue.current?.leased;
    if (item !== undefined) this.#judge(item, comment === "" ? { kind: "flag" } : { kind: "flag", comment });
  }

  /** Takes the last act back, also one that the server has long since saved. */
  undo(): void {
    const act = this.#acts.undo();
    if (act === undefined) return;
    this.record({ image: act.image, kind: "undo", undoes: act.given.annotation });
    this.#made -= 1;
    this.#last = null;
    this.queue.restore(act.image, act.before);
  }

  redo(): void {
    const act = this.#acts.redo();
    if (act === undefined) return;
    const given = { ...act.given, annotation: this.record(act.judgement) };
    this.#acts.redone({ ...act, given });
    this.queue.show(act.image);
    this.#give(act.image, given);
  }

  #judge(item: T, what: Pick<Judgement, "kind" | "category" | "comment" | "evidence_details">): void {
    const judgement: Judgement = {
      image: item.image.id,
      token: item.token,
      blind: item.blind,
      duration_ms: this.clock.read(),
      ...what,
    };
    const before = this.queue.current?.answer ?? null;
    const kind = what.kind === "undo" ? "skip" : what.kind;
    const given: Answer = { annotation: this.record(judgement), kind, category: what.category ?? null };
    this.#acts.push({ image: item.image.id, before, given, judgement });
    this.#give(item.image.id, given);
  }

  #give(image: number, answer: Answer): void {
    this.#made += 1;
    this.#last = { image, answer };
    this.queue.answer(answer);
  }
}
