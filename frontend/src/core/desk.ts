import type { LookingClock } from "./clock";
import { Emitter } from "./emitter";
import type { DeskItem, DeskPage, Entry, Input, Judgement, PageInput, Recorder } from "./entry";
import type { Answer, LabelingQueue } from "./queue";
import { type Draft, type Sheet, sheetDraft, sheetOpen, sheetTally, sheetVerdicts } from "./sheet";
import { UndoStack } from "./undo";

interface Act {
  readonly key: string;
  readonly before: Answer | null;
  readonly given: Answer;
  /** Images that got an answer by it. */
  readonly made: number;
  readonly repeat: () => string;
  readonly takeBack: (id: string) => void;
}

/** Where an unfinished page waits for the person to come back. */
export interface DraftStore {
  read(): Draft | null;
  write(draft: Draft | null): void;
}

export interface DeskOptions<I extends DeskItem, P extends DeskPage> {
  readonly queue: LabelingQueue<Entry<I, P>>;
  readonly clock: LookingClock;
  readonly record: Recorder;
  readonly drafts?: DraftStore;
}

type OneKind = Exclude<Answer["kind"], "page">;

const RECENT = 5;

/** Where one person labels: every act is recorded as an event, the screen moves at once, and each can be taken back. */
export class Desk<I extends DeskItem, P extends DeskPage> extends Emitter {
  readonly queue: LabelingQueue<Entry<I, P>>;
  readonly #acts = new UndoStack<Act>();
  readonly #sheets = new Map<string, Sheet>();
  #draft: Draft | null;
  #recent: number[] = [];
  #last: Answer | null = null;
  #made = 0;

  constructor(private readonly options: DeskOptions<I, P>) {
    super();
    this.queue = options.queue;
    this.#draft = options.drafts?.read() ?? null;
    let shown: string | undefined;
    this.queue.subscribe(() => {
      const now = this.queue.current?.leased.key;
      if (now !== shown) options.clock.start();
      shown = now;
      this.changed();
    });
  }

  /** The single image on screen. */
  get item(): I | undefined {
    const entry = this.queue.current?.leased;
    return entry?.kind === "one" ? entry.item : undefined;
  }

  /** The page on screen. */
  get page(): P | undefined {
    const entry = this.queue.current?.leased;
    return entry?.kind === "page" ? entry.page : undefined;
  }

  /** What was said about the page on screen so far. */
  get sheet(): Sheet | undefined {
    const page = this.page;
    return page === undefined ? undefined : this.sheetOf(page);
  }

  /** What was said about a page on this desk so far. */
  sheetOf(page: P): Sheet {
    const known = this.#sheets.get(page.id);
    if (known !== undefined) return known;
    const opened = sheetOpen(page, this.#draft);
    this.#sheets.set(page.id, opened);
    return opened;
  }

  /** The categories this person gave last, newest first, each once. */
  get recent(): readonly number[] {
    return this.#recent;
  }

  get last(): Answer | null {
    return this.#last;
  }

  /** Images judged on this visit, less those taken back. */
  get made(): number {
    return this.#made;
  }

  get canUndo(): boolean {
    return this.#acts.canUndo;
  }

  get canRedo(): boolean {
    return this.#acts.canRedo;
  }

  /** Changes what is said about the page on screen; nothing is sent until it is committed. */
  mark(change: (sheet: Sheet) => Sheet): void {
    const sheet = this.sheet;
    if (sheet === undefined) return;
    const next = change(sheet);
    if (next === sheet) return;
    this.#sheets.set(next.page, next);
    if (next.exceptions !== sheet.exceptions) this.options.drafts?.write(sheetDraft(next));
    this.changed();
  }

  /** Everything on the page that was not excepted is what the page says it is. */
  commit(input: PageInput): void {
    const page = this.page;
    const sheet = this.sheet;
    if (page === undefined || sheet === undefined) return;
    const answer = { tiles: sheetVerdicts(sheet), duration_ms: this.options.clock.read(), input };
    for (const said of sheet.exceptions.values()) if (said.kind === "label") this.#remember(said.category);
    if (this.#draft?.category === page.category) this.#draft = null;
    this.options.drafts?.write(this.#draft);
    const { confirmed, relabeled } = sheetTally(sheet);
    this.#do(
      { kind: "page", category: page.category, confirmed, excepted: sheet.exceptions.size },
      confirmed + relabeled,
      () => this.options.record.commit(page.id, answer),
      (commit) => this.options.record.takeBack(commit),
    );
  }

  label(category: number, input: Input): void {
    const item = this.item;
    if (item === undefined) return;
    const rank = item.suggestions.findIndex((suggestion) => suggestion.category === category);
    const taken = item.suggestions[rank];
    this.#judge(item, {
      kind: "label",
      category,
      evidence_details: {
        input,
        ...(item.suggestions[0] === undefined ? {} : { first: item.suggestions[0].category }),
        ...(taken === undefined ? {} : { suggested: category, rank: rank + 1, probability: taken.probability }),
      },
    });
    this.#remember(category);
  }

  skip(): void {
    const item = this.item;
    if (item !== undefined) this.#judge(item, { kind: "skip" });
  }

  flag(comment = ""): void {
    const item = this.item;
    if (item !== undefined) this.#judge(item, comment === "" ? { kind: "flag" } : { kind: "flag", comment });
  }

  /** Takes the last act back, a label or a whole page, also one that the server has long since saved. */
  undo(): void {
    const act = this.#acts.undo();
    if (act === undefined) return;
    act.takeBack(act.given.annotation);
    this.#made -= act.made;
    this.#last = null;
    this.queue.restore(act.key, act.before);
  }

  redo(): void {
    const act = this.#acts.redo();
    if (act === undefined) return;
    const given = { ...act.given, annotation: act.repeat() };
    this.#acts.redone({ ...act, given });
    this.queue.show(act.key);
    this.#give(given, act.made);
  }

  #judge(item: I, what: Pick<Judgement, "category" | "comment" | "evidence_details"> & { kind: OneKind }): void {
    const judgement: Judgement = {
      image: item.image.id,
      token: item.token,
      blind: item.blind,
      duration_ms: this.options.clock.read(),
      ...what,
    };
    const { annotate } = this.options.record;
    this.#do(
      { kind: what.kind, category: what.category ?? null },
      1,
      () => annotate(judgement),
      (undoes) => annotate({ image: item.image.id, kind: "undo", undoes }),
    );
  }

  #do(what: Omit<Answer, "annotation">, made: number, repeat: Act["repeat"], takeBack: Act["takeBack"]): void {
    const slot = this.queue.current;
    if (slot === undefined) return;
    const given = { ...what, annotation: repeat() };
    this.#acts.push({ key: slot.leased.key, before: slot.answer, given, made, repeat, takeBack });
    this.#give(given, made);
  }

  #give(answer: Answer, made: number): void {
    this.#made += made;
    this.#last = answer;
    this.queue.answer(answer);
  }

  #remember(category: number): void {
    this.#recent = [category, ...this.#recent.filter((other) => other !== category)].slice(0, RECENT);
  }
}
