import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { pages } from "@/api/endpoints";
import { versionOf } from "@/api/events";
import { whenSaved } from "@/api/outbox";
import type { CommitAnswer, Teaching } from "@/api/page-types";
import { leasesRelease } from "./leases";
import type { LabelingDesk } from "./useDesk";

export interface Feedback {
  /** What the server answered to the page that was sent last. */
  readonly answer: CommitAnswer | null;
  /** The newest teaching of this visit that changed anything. */
  readonly teaching: (Teaching & { readonly mine: boolean }) | null;
}

const ALL = 100;

/** The page that comes next stays as it is when the model has learnt something; those behind it are composed anew. */
function composeAnew(project: number, desk: LabelingDesk): void {
  const ahead = desk.queue.upcoming(ALL).slice(1);
  const next = ahead.find(({ kind }) => kind === "page")?.key;
  leasesRelease(
    project,
    desk.queue.letGo(0, ({ kind, key }) => kind === "page" && key !== next),
  );
  void desk.queue.fill();
}

/** What comes back from the server after a page: attention, and what the corrections taught. */
export function useFeedback(project: number, desk: LabelingDesk, pagewise: boolean): Feedback {
  const [answer, setAnswer] = useState<{ id: string; answer: CommitAnswer } | null>(null);
  const [teaching, setTeaching] = useState<Feedback["teaching"]>(null);
  const committed = useRef(new Set<string>());
  const corrected = useRef(false);

  useEffect(
    () =>
      desk.subscribe(() => {
        const last = desk.last;
        if (last?.kind === "page" && !committed.current.has(last.annotation)) {
          committed.current.add(last.annotation);
          corrected.current ||= (last.excepted ?? 0) > 0;
        }
        if (last === null) setAnswer(null); // something was taken back
      }),
    [desk],
  );
  useEffect(
    () =>
      whenSaved((id, saved) => {
        if (committed.current.has(id)) setAnswer({ id, answer: saved as CommitAnswer });
      }),
    [],
  );

  const news = versionOf("teaching");
  const seen = useRef<number | null>(null);
  // the news is only that there is something to ask for
  useEffect(() => {
    if (!pagewise) return;
    const controller = new AbortController();
    pages.teaching(project, controller.signal).then(
      (told) => {
        const first = seen.current === null;
        if (told.version === seen.current) return;
        seen.current = told.version;
        if (first || told.changed === 0) return;
        setTeaching({ ...told, mine: corrected.current });
        corrected.current = false;
        composeAnew(project, desk);
      },
      () => undefined, // the next news asks again
    );
    return () => controller.abort();
  }, [project, desk, pagewise, news]);

  return useMemo(() => ({ answer: answer?.answer ?? null, teaching }), [answer, teaching]);
}
