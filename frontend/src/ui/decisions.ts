import { useEffect, useMemo, useState } from "preact/hooks";
import { versionOf } from "@/api/events";
import { annotate } from "@/api/outbox";
import type { ImageItem, Page, Suggestion } from "@/api/types";
import { LookingClock } from "@/core/clock";
import { Desk } from "@/core/desk";
import { type DeskItem, type DeskPage, type Entry, oneEntry, wantOnes } from "@/core/entry";
import { Prefetcher } from "@/core/prefetch";
import { LabelingQueue } from "@/core/queue";
import { decoded } from "./Stage";

/** What a reviewer decides about one image, whatever brought it here. */
export interface Decidable {
  readonly image: ImageItem;
  readonly suggestions: readonly Suggestion[];
}
export type CaseOf<T extends Decidable> = T & DeskItem;
export type DecisionDesk<T extends Decidable> = Desk<CaseOf<T>, DeskPage>;

const AHEAD = 6;

/** Images that a reviewer decides one by one, like labels and with the same undo; `list` reads page after page. */
export function useDecisions<T extends Decidable>(
  project: number,
  what: string,
  list: (cursor: string | null) => Promise<Page<T>>,
) {
  // `what` names what `list` reads
  const made = useMemo(() => build(project, list), [project, what]);
  const [turn, redraw] = useState(0);
  const { desk, pictures } = made;
  useEffect(() => {
    const stop = desk.subscribe(() => {
      const next = desk.queue.upcoming(AHEAD);
      pictures.want(next.flatMap((entry) => (entry.kind === "one" ? [entry.item.image.display] : [])));
      redraw((now) => now + 1);
    });
    void desk.queue.fill();
    return stop;
  }, [desk, pictures]);

  const news = versionOf("annotations") + versionOf("insights");
  // new answers may bring new disagreements to an empty desk
  useEffect(() => {
    if (desk.queue.current === undefined) void desk.queue.fill();
  }, [news, desk]);
  return { desk, pictures, turn, remark: made.remark };
}

function build<T extends Decidable>(project: number, list: (cursor: string | null) => Promise<Page<T>>) {
  /** Decided here and perhaps not yet known to the server: not to be asked again. */
  const decided = new Set<number>();
  /** What the reviewer wrote beside the image on screen; it goes with the decision, and then it is gone. */
  const remark = { text: "" };
  let cursor: string | null = null;
  const queue = new LabelingQueue<Entry<CaseOf<T>, DeskPage>>({
    want: wantOnes,
    lease: async () => {
      const page = await list(cursor);
      cursor = page.next;
      const items = page.items
        .filter(({ image }) => !decided.has(image.id))
        .map((item) => oneEntry({ ...item, token: "", blind: false }));
      return { items, empty: page.next === null ? "all_labeled" : null, remaining: 0 };
    },
  });
  const desk: DecisionDesk<T> = new Desk({
    queue,
    clock: new LookingClock(() => performance.now()),
    record: {
      annotate: ({ token: _, blind: __, evidence_details, ...judgement }) => {
        if (judgement.kind === "undo") decided.delete(judgement.image);
        else decided.add(judgement.image);
        const comment = judgement.kind === "undo" ? "" : remark.text.trim();
        if (comment) remark.text = "";
        const said = comment ? { ...judgement, comment } : judgement;
        return annotate(project, { ...said, evidence_details: { ...evidence_details, review: true } });
      },
      commit: () => "",
      takeBack: () => undefined,
    },
  });
  return { desk, pictures: new Prefetcher(decoded, 16), remark };
}
