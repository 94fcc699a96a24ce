import { useEffect, useMemo, useState } from "preact/hooks";
import { review } from "@/api/endpoints";
import { versionOf } from "@/api/events";
import { annotate } from "@/api/outbox";
import type { ReviewItem } from "@/api/page-types";
import { LookingClock } from "@/core/clock";
import { Desk } from "@/core/desk";
import { type DeskItem, type DeskPage, type Entry, oneEntry, wantOnes } from "@/core/entry";
import { Prefetcher } from "@/core/prefetch";
import { LabelingQueue } from "@/core/queue";
import { decoded } from "@/ui/Stage";

export type Case = ReviewItem & DeskItem;
export type ReviewDesk = Desk<Case, DeskPage>;

const AHEAD = 6;

/** The images about which people, or people and measurements, disagree; decided like labels, with the same undo. */
export function useReview(project: number) {
  const made = useMemo(() => build(project), [project]);
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

  const news = versionOf("annotations");
  // new answers may bring new disagreements to an empty desk
  useEffect(() => {
    if (desk.queue.current === undefined) void desk.queue.fill();
  }, [news, desk]);
  return { desk, pictures, turn };
}

function build(project: number) {
  /** Decided here and perhaps not yet known to the server: not to be asked again. */
  const decided = new Set<number>();
  let cursor: string | null = null;
  const queue = new LabelingQueue<Entry<Case, DeskPage>>({
    want: wantOnes,
    lease: async () => {
      const page = await review.list(project, cursor);
      cursor = page.next;
      const items = page.items
        .filter(({ image }) => !decided.has(image.id))
        .map((item) => oneEntry({ ...item, token: "", blind: false }));
      return { items, empty: page.next === null ? "all_labeled" : null, remaining: 0 };
    },
  });
  const desk: ReviewDesk = new Desk({
    queue,
    clock: new LookingClock(() => performance.now()),
    record: {
      annotate: ({ token: _, blind: __, evidence_details, ...judgement }) => {
        if (judgement.kind === "undo") decided.delete(judgement.image);
        else decided.add(judgement.image);
        return annotate(project, { ...judgement, evidence_details: { ...evidence_details, review: true } });
      },
      commit: () => "",
      takeBack: () => undefined,
    },
  });
  return { desk, pictures: new Prefetcher(decoded, 16) };
}
