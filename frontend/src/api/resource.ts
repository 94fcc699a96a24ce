import { useSignal, useSignalEffect } from "@preact/signals";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { type Topic, versionOf } from "./events";

export interface Resource<T> {
  readonly data: T | undefined;
  readonly error: Error | null;
  readonly loading: boolean;
  readonly reload: () => void;
}

/** What was shown last stays on screen while the page fetches it again. */
const remembered = new Map<string, unknown>();
const REMEMBER = 100;

export const forgetResources = (): void => remembered.clear();

/** Fetches `load` under `key`, again when the key changes and when one of the topics does. */
export function useResource<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  topics: readonly Topic[] = [],
): Resource<T> {
  const state = useSignal<{ key: string; data: T | undefined; error: Error | null; loading: boolean }>({
    key,
    data: remembered.get(key) as T | undefined,
    error: null,
    loading: true,
  });
  const latest = useRef({ key, load });
  latest.current = { key, load };
  const running = useRef<{ key: string; controller: AbortController; again: boolean } | null>(null);

  const reload = useCallback(async (): Promise<void> => {
    const { key, load } = latest.current;
    if (running.current?.key === key) {
      running.current.again = true; // the answer under way may be older than the news: ask once more after it
      return;
    }
    running.current?.controller.abort();
    const run = { key, controller: new AbortController(), again: false };
    running.current = run;
    let outcome: { data: T | undefined; error: Error | null };
    try {
      outcome = { data: await load(run.controller.signal), error: null };
    } catch (error) {
      outcome = { data: remembered.get(key) as T | undefined, error: error as Error };
    }
    if (running.current !== run || run.controller.signal.aborted) return;
    running.current = null;
    if (outcome.error === null) remember(key, outcome.data);
    state.value = { key, ...outcome, loading: false };
    if (run.again) await reload();
  }, [state]);

  useEffect(() => {
    if (state.peek().key !== key) {
      state.value = { key, data: remembered.get(key) as T | undefined, error: null, loading: true };
    }
    void reload();
  }, [key, reload, state]);

  useEffect(
    () => () => {
      running.current?.controller.abort();
      running.current = null;
    },
    [],
  );

  const first = useRef(true);
  useSignalEffect(() => {
    for (const topic of topics) versionOf(topic);
    if (first.current) first.current = false;
    else void reload();
  });

  const shown =
    state.value.key === key ? state.value : { data: remembered.get(key) as T | undefined, error: null, loading: true };
  return { data: shown.data, error: shown.error, loading: shown.loading, reload: () => void reload() };
}

function remember(key: string, data: unknown): void {
  remembered.delete(key);
  remembered.set(key, data);
  const oldest = remembered.keys().next().value;
  if (remembered.size > REMEMBER && oldest !== undefined) remembered.delete(oldest);
}
