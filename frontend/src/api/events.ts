import { type Signal, signal } from "@preact/signals";
import { BASE } from "./client";

export const TOPICS = [
  "jobs",
  "images",
  "predictions",
  "annotations",
  "taxonomy",
  "exports",
  "teaching",
  "training",
  "certificates",
  "insights",
] as const;
export type Topic = (typeof TOPICS)[number];

const versions = new Map<Topic, Signal<number>>(TOPICS.map((topic) => [topic, signal(0)]));

/** Rises when the server says that something of this kind changed. Resources read it and fetch again. */
export function versionOf(topic: Topic): number {
  return versions.get(topic)?.value ?? 0;
}

const raise = (topics: Iterable<Topic>): void => {
  for (const topic of topics) {
    const version = versions.get(topic);
    if (version !== undefined) version.value += 1;
  }
};

/** After an act of one's own: what it changed is fetched now, without waiting for the server's word. */
export const touched = (...topics: Topic[]): void => raise(topics);

export type Connection = "connecting" | "live" | "polling";
export const connection = signal<Connection>("connecting");

const GATHER_MS = 700;
const POLL_MS = 5_000;
/** The server ends each stream after some minutes and the browser opens it again: that is no lost connection. */
const PATIENCE_MS = 4_000;

/** Listens to one project. A lost event costs nothing: everything is fetched again after each reconnection. */
export function listen(project: number): () => void {
  const gathered = new Set<Topic>();
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let doubting: ReturnType<typeof setTimeout> | undefined;
  let polling: ReturnType<typeof setInterval> | undefined;
  let source: EventSource;
  let opened = false;

  const gather = (topics: Iterable<Topic>): void => {
    for (const topic of topics) gathered.add(topic);
    gathering ??= setTimeout(() => {
      gathering = undefined;
      const topics = [...gathered];
      gathered.clear();
      raise(topics);
    }, GATHER_MS);
  };
  const calm = (): void => {
    clearTimeout(doubting);
    clearInterval(polling);
    doubting = polling = undefined;
  };
  const poll = (): void => {
    connection.value = "polling";
    polling ??= setInterval(() => {
      if (!document.hidden) gather(TOPICS);
      if (source.readyState === EventSource.CLOSED) open(); // the browser gave up; we do not
    }, POLL_MS);
  };
  const open = (): void => {
    source = new EventSource(`${BASE}/projects/${project}/events`);
    source.onopen = () => {
      calm();
      connection.value = "live";
      if (opened) gather(TOPICS);
      opened = true;
    };
    source.onerror = () => {
      doubting ??= setTimeout(poll, PATIENCE_MS);
    };
    source.addEventListener("change", (event) => {
      const { topics } = JSON.parse((event as MessageEvent<string>).data) as { topics: Topic[] };
      gather(topics);
    });
  };

  open();
  return () => {
    source.close();
    calm();
    clearTimeout(gathering);
    connection.value = "connecting";
  };
}
