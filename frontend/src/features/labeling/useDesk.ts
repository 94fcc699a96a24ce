import { useEffect, useMemo, useState } from "preact/hooks";
import { queue as endpoint } from "@/api/endpoints";
import { versionOf } from "@/api/events";
import { annotate } from "@/api/outbox";
import type { LeasedItem } from "@/api/types";
import { LookingClock } from "@/core/clock";
import { Desk } from "@/core/desk";
import { Prefetcher } from "@/core/prefetch";
import { LabelingQueue } from "@/core/queue";

const AHEAD = 10;
const RENEW_MS = 60_000;
const ASK_AGAIN_MS = 10_000;

async function decoded(url: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = url;
  image.draggable = false;
  await image.decode();
  return image;
}

export interface DeskOnScreen {
  readonly desk: Desk<LeasedItem>;
  readonly pictures: Prefetcher<HTMLImageElement>;
}

/** A desk for as long as the page is open: leases renewed while working, handed back when leaving. */
export function useDesk(project: number): DeskOnScreen {
  const made = useMemo(() => build(project), [project]);
  const [, redraw] = useState(0);
  const { desk, pictures, clock } = made;

  useEffect(() => {
    const stop = desk.subscribe(() => {
      const next = desk.queue.upcoming(AHEAD);
      pictures.want(next.map(({ image }) => image.display));
      for (const { exemplars } of next.slice(0, 3)) {
        for (const { images } of exemplars) for (const { thumb } of images) new Image().src = thumb;
      }
      redraw((now) => now + 1);
    });
    void desk.queue.fill();
    return stop;
  }, [desk, pictures]);

  useEffect(() => {
    const renew = setInterval(() => {
      const tokens = desk.queue.openTokens();
      if (tokens.length > 0 && !document.hidden) void endpoint.renew(project, tokens).catch(() => undefined);
    }, RENEW_MS);
    const again = setInterval(() => {
      if (desk.queue.current === undefined && !document.hidden) void desk.queue.fill();
    }, ASK_AGAIN_MS);
    const leave = (): void => {
      const tokens = desk.queue.openTokens();
      if (tokens.length > 0) void endpoint.release(project, tokens).catch(() => undefined);
    };
    const look = (): void => (document.hidden ? clock.pause() : clock.resume());
    window.addEventListener("pagehide", leave);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(renew);
      clearInterval(again);
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

  return made;
}

function build(project: number) {
  const clock = new LookingClock(() => performance.now());
  const queue = new LabelingQueue<LeasedItem>({ lease: (count) => endpoint.lease(project, count) });
  const desk = new Desk(queue, clock, (judgement) => annotate(project, judgement));
  return { desk, clock, pictures: new Prefetcher(decoded, 32) };
}
