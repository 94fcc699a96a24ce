import { signal } from "@preact/signals";
import { Outbox, type OutboxState, type SendResult } from "@/core/outbox";
import { IndexedDbStore, type Pending } from "@/core/outbox-store";
import { uuid } from "@/core/uuid";
import { ApiError, isPassing, messageOf, request } from "./client";
import { annotationPath, pages, session } from "./endpoints";
import { touched } from "./events";
import type { PageCommit } from "./page-types";
import { askToSignIn } from "./session";
import type { AnnotationBody } from "./types";

export const unsaved = signal(0);
export const outboxState = signal<OutboxState>("idle");
export const refusedWork = signal<readonly Pending[]>([]);

/** A connection that died without a word must not hold back what waits; the server knows a second try by its UUID. */
const PATIENCE_MS = 8_000;

async function send(pending: Pending): Promise<SendResult> {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const { path, body, method = "PUT" } = pending;
    return { kind: "saved", answer: await request(method, path, { body, quiet: true, signal }) };
  } catch (error) {
    if (isPassing(error)) return { kind: "unreachable" };
    if (error instanceof DOMException && error.name === "TimeoutError") return { kind: "unreachable" };
    if (error instanceof ApiError && error.status === 401) return { kind: "unauthorized" };
    if (error instanceof ApiError && error.code === "csrf") {
      await session.read().catch(() => undefined); // sets a fresh token; the next try carries it
      return { kind: "unreachable" };
    }
    return { kind: "refused", message: messageOf(error) };
  }
}

let settled: ReturnType<typeof setTimeout> | undefined;

type SavedListener = (id: string, answer: unknown) => void;
const onSaved = new Set<SavedListener>();

/** Called with what the server answered to each event, by its UUID. */
export function whenSaved(listener: SavedListener): () => void {
  onSaved.add(listener);
  return () => onSaved.delete(listener);
}

export const outbox = new Outbox({
  store: new IndexedDbStore(),
  send,
  onSignedOut: askToSignIn,
  onSaved: (pending, answer) => {
    for (const listener of onSaved) listener(pending.id, answer);
    clearTimeout(settled);
    settled = setTimeout(() => touched("annotations"), 1500); // pages that count labels count again, not at every key
  },
});

outbox.subscribe(() => {
  unsaved.value = outbox.unsaved;
  outboxState.value = outbox.state;
  refusedWork.value = outbox.refused;
});

/** Records one judgement: on disk first, then on its way. Returns its UUID at once. */
export function annotate(project: number, body: AnnotationBody): string {
  const id = uuid();
  const dated = { ...body, client_at: new Date().toISOString() };
  void outbox.add({ id, path: annotationPath(project, id), body: dated });
  return id;
}

/** Records what was said about a whole page. Returns the commit's UUID at once. */
export function commitPage(project: number, page: string, body: Omit<PageCommit, "client_at">): string {
  const id = uuid();
  const dated: PageCommit = { ...body, client_at: new Date().toISOString() };
  void outbox.add({ id, path: pages.commitPath(project, page, id), body: dated });
  return id;
}

/** Takes a whole page back, as an event of its own that follows the commit. */
export function takePageBack(project: number, commit: string): void {
  const id = uuid();
  void outbox.add({ id, method: "POST", path: pages.undoPath(project, commit), body: { id } });
}

/** The network came back, or the page wakes: what waits goes out; a page with unsaved work asks before it closes. */
export function watchPage(): void {
  window.addEventListener("online", () => void outbox.flush());
  document.addEventListener("visibilitychange", () => document.hidden || void outbox.flush());
  window.addEventListener("beforeunload", (event) => {
    if (outbox.unsaved > 0) event.preventDefault();
  });
}
