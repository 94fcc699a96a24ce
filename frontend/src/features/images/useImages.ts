import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Query } from "@/api/client";
import { images as endpoint } from "@/api/endpoints";
import { versionOf } from "@/api/events";
import type { ImageItem, Page } from "@/api/types";
import { isSearch, type View } from "./filters";

const PAGE = 100;

export interface Pages {
  readonly items: readonly ImageItem[];
  readonly complete: boolean;
  readonly loading: boolean;
  readonly error: Error | null;
  readonly more: () => void;
  readonly reload: () => void;
}

function fetchPage(project: number, view: View, cursor: string | null, signal: AbortSignal): Promise<Page<ImageItem>> {
  if (!isSearch(view)) return endpoint.list(project, { ...view.filters, cursor, limit: PAGE }, signal);
  const query: Query = view.like === null ? { text: view.text, limit: 200 } : { image: view.like, limit: 200 };
  return endpoint.similar(project, query, signal).then(({ items }) => ({ items, next: null }));
}

interface Loaded {
  readonly key: string;
  readonly items: readonly ImageItem[];
  readonly next: string | null;
  readonly complete: boolean;
  readonly error: Error | null;
}

const NOTHING: Omit<Loaded, "key"> = { items: [], next: null, complete: false, error: null };

/** Pages of images, one after the other; a change of the labels refreshes those on screen in place. */
export function useImages(project: number, view: View): Pages {
  const key = JSON.stringify([project, view.filters, view.text, view.like]);
  const [state, setState] = useState<Loaded>({ key, ...NOTHING });
  const [loading, setLoading] = useState(true);
  const run = useRef<AbortController | null>(null);
  const latest = useRef({ key, view, state });
  latest.current = { key, view, state };

  const load = useCallback(
    async (fresh: boolean): Promise<void> => {
      const { key, view, state } = latest.current;
      if (fresh) run.current?.abort();
      else if (run.current !== null || state.complete || state.key !== key) return;
      const controller = new AbortController();
      run.current = controller;
      setLoading(true);
      try {
        const page = await fetchPage(project, view, fresh ? null : state.next, controller.signal);
        if (controller.signal.aborted) return;
        setState((old) => ({
          key,
          items: fresh ? page.items : [...old.items, ...page.items],
          next: page.next,
          complete: page.next === null,
          error: null,
        }));
      } catch (error) {
        if (controller.signal.aborted) return;
        setState((old) => ({ ...(old.key === key ? old : NOTHING), key, error: error as Error }));
      }
      run.current = null;
      setLoading(false);
    },
    [project],
  );

  // the key is the question; another question starts anew
  useEffect(() => {
    void load(true);
    return () => run.current?.abort();
  }, [key, load]);

  const news = versionOf("annotations") + versionOf("predictions") + versionOf("images");
  const seen = useRef(news);
  useEffect(() => {
    if (seen.current === news) return;
    seen.current = news;
    // A long list is not torn from under a reader's eyes: only its first page follows the news by itself.
    if (latest.current.state.items.length <= PAGE) void load(true);
  }, [news, load]);

  const shown = state.key === key ? state : { key, ...NOTHING };
  return {
    items: shown.items,
    complete: shown.complete,
    loading: loading || state.key !== key,
    error: shown.error,
    more: () => void load(false),
    reload: () => void load(true),
  };
}
