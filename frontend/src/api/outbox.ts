import { signal } from "@preact/signals";
import { Outbox, type OutboxState, type SendResult } from "@/core/outbox";
import { IndexedDbStore, type Pending } from "@/core/outbox-store";
import { ApiError, isPassing, messageOf, request } from "./client";
import { annotationPath, session } from "./endpoints";
import { touched } from "./events";
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
    return { kind: "saved", answer: await request("PUT", pending.path, { body: pending.body, quiet: true, signal }) };
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

export const outbox = new Outbox({
  store: new IndexedDbStore(),
  send,
  onSignedOut: askToSignIn,
  onSaved: () => {
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
  const id = crypto.randomUUID();
  const dated = { ...body, client_at: new Date().toISOString() };
  void outbox.add({ id, path: annotationPath(project, id), body: dated });
  return id;
}

/** The network came back, or the page wakes: what waits goes out; a page with unsaved work asks before it closes. */
export function watchPage(): void {
  window.addEventListener("online", () => void outbox.flush());
  document.addEventListener("visibilitychange", () => document.hidden || void outbox.flush());
  window.addEventListener("beforeunload", (event) => {
    if (outbox.unsaved > 0) event.preventDefault();
  });
}
