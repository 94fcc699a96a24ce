import { useEffect, useMemo, useState } from "preact/hooks";
import { versionOf } from "@/api/events";
import { annotate, commitPage, takePageBack } from "@/api/outbox";
import type { LabelingPage } from "@/api/page-types";
import type { LeasedItem } from "@/api/types";
import { LookingClock } from "@/core/clock";
import { Desk } from "@/core/desk";
import { Prefetcher } from "@/core/prefetch";
import { LabelingQueue } from "@/core/queue";
import { decoded } from "@/ui/Stage";
import { draftsOf } from "./drafts";
import { leasesRelease, leasesRenew, leasing, type Source } from "./leases";
import { actDone } from "./timing";
import type { Screen } from "./useScreen";

const AHEAD = 10;
/** What comes later is fetched when what is wanted now has been painted. */
const AFTER_PAINT_MS = 30;
const RENEW_MS = 60_000;
const ASK_AGAIN_MS = 10_000;
/** Leases last some minutes. After a pause as long as this the first key asks what is still held. */
const ASLEEP_MS = 240_000;

export type LabelingDesk = Desk<LeasedItem, LabelingPage>;
export type Pictures = Prefetcher<HTMLImageElement>;

export interface DeskOnScreen {
  readonly desk: LabelingDesk;
  readonly pictures: Pictures;
  /** The page that comes next, drawn out of sight while a single image is on screen: then showing it is one paint. */
  readonly behind: LabelingPage | undefined;
}

/** A desk for as long as the page is open: leases renewed while working, handed back when leaving. */
export function useDesk(project: number, source: Source, screen: Screen): DeskOnScreen {
  const made = useMemo(() => build(project, source, screen), [project, source, screen]);
  const [, redraw] = useState(0);
  const [behind, setBehind] = useState<LabelingPage>();
  const { desk, pictures, clock } = made;

  useEffect(() => {
    let fetching: ReturnType<typeof setTimeout> | undefined;
    const stop = desk.subscribe(() => {
      redraw((now) => now + 1);
      clearTimeout(fetching);
      fetching = setTimeout(() => {
        prefetch(desk, pictures, screen);
        setBehind(nextPage(desk));
      }, AFTER_PAINT_MS);
    });
    void desk.queue.fill();
    return () => {
      clearTimeout(fetching);
      stop();
    };
  }, [desk, pictures, screen]);

  useEffect(() => {
    let acted = Date.now();
    const renew = async (): Promise<void> => {
      const lost = await leasesRenew(project, desk.queue.open());
      if (lost.length === 0) return;
      desk.queue.letGo(0, (entry) => entry.kind === "page" && lost.includes(entry.page.id));
      await desk.queue.fill();
    };
    const act = (): void => {
      const slept = Date.now() - acted > ASLEEP_MS;
      acted = Date.now();
      if (slept) void renew();
    };
    const renewing = setInterval(() => {
      if (Date.now() - acted < RENEW_MS * 2) void renew();
    }, RENEW_MS);
    const fill = (): void => void desk.queue.fill();
    const again = setInterval(() => {
      if (desk.queue.current === undefined && !document.hidden) fill();
    }, ASK_AGAIN_MS);
    const leave = (): void => leasesRelease(project, desk.queue.open());
    const look = (): void => (document.hidden ? clock.pause() : clock.resume());
    const heard = ["keydown", "pointerdown"] as const;
    for (const name of heard) window.addEventListener(name, act, { capture: true, passive: true });
    window.addEventListener("online", fill);
    window.addEventListener("pagehide", leave);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(renewing);
      clearInterval(again);
      for (const name of heard) window.removeEventListener(name, act, { capture: true });
      window.removeEventListener("online", fill);
      window.removeEventListener("pagehide", leave);
      document.removeEventListener("visibilitychange", look);
      leave();
    };
  }, [project, desk, clock]);

  const news = versionOf("images") + versionOf("predictions");
  // news is what wakes an empty desk
  useEffect(() => {
    if (desk.queue.current === undefined) void desk.queue.fill();
  }, [news, desk]);

  return { desk, pictures, behind };
}

const nextPage = (desk: LabelingDesk): LabelingPage | undefined =>
  desk.queue.upcoming(AHEAD).flatMap((entry) => (entry.kind === "page" ? [entry.page] : []))[0];

function build(project: number, source: Source, screen: Screen) {
  const clock = new LookingClock(() => performance.now());
  const queue = new LabelingQueue(leasing(project, source, () => screen.tilesMost()));
  const desk: LabelingDesk = new Desk({
    queue,
    clock,
    drafts: draftsOf(project),
    record: {
      annotate: (judgement) => {
        actDone();
        return annotate(project, judgement);
      },
      commit: (page, answer) => {
        actDone();
        return commitPage(project, page, answer);
      },
      takeBack: (commit) => takePageBack(project, commit),
    },
  });
  return { desk, clock, pictures: new Prefetcher(decoded, 260) };
}

/** The images of the pages that come next are fetched and decoded before they are needed. */
function prefetch(desk: LabelingDesk, pictures: Pictures, screen: Screen): void {
  const next = desk.queue.upcoming(AHEAD);
  const urls = next.flatMap((entry) =>
    entry.kind === "one" ? [entry.item.image.display] : screen.tileUrls(entry.page),
  );
  pictures.want(urls);
  for (const entry of next.slice(0, 3)) {
    const beside =
      entry.kind === "page" ? entry.page.exemplars : entry.item.exemplars.flatMap(({ images }) => [...images]);
    for (const { thumb } of beside) new Image().src = thumb;
  }
}
