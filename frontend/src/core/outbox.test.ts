import { IDBFactory } from "fake-indexeddb";
import { describe, expect, it, vi } from "vitest";
import { Outbox, type SendResult } from "./outbox";
import { IndexedDbStore, type Pending } from "./outbox-store";

const event = (id: string) => ({ id, path: `/annotations/${id}`, body: { kind: "label" } });

function outboxOn(disk: IDBFactory, answer: (pending: Pending) => SendResult) {
  const sent: string[] = [];
  const timers: (() => void)[] = [];
  const onSignedOut = vi.fn();
  const outbox = new Outbox({
    store: new IndexedDbStore(disk),
    send: async (pending) => {
      sent.push(pending.id);
      return answer(pending);
    },
    onSignedOut,
    later: (act) => void timers.push(act),
  });
  return { outbox, sent, timers, onSignedOut };
}

const saved = (): SendResult => ({ kind: "saved", answer: {} });

describe("the outbox", () => {
  it("sends in the order of the work and forgets what was acknowledged", async () => {
    const disk = new IDBFactory();
    const { outbox, sent } = outboxOn(disk, saved);
    await outbox.open(1);
    await Promise.all([outbox.add(event("a")), outbox.add(event("b")), outbox.add(event("c"))]);
    await outbox.flush();
    expect(sent).toEqual(["a", "b", "c"]);
    expect(outbox.unsaved).toBe(0);
    expect(await new IndexedDbStore(disk).all()).toEqual([]);
  });

  it("keeps work through a dead network and a reload", async () => {
    const disk = new IDBFactory();
    const before = outboxOn(disk, () => ({ kind: "unreachable" }));
    await before.outbox.open(1);
    await before.outbox.add(event("a"));
    await before.outbox.add(event("b"));
    await before.outbox.flush();
    expect(before.outbox.unsaved).toBe(2);
    expect(before.outbox.state).toBe("waiting");

    const after = outboxOn(disk, saved);
    await after.outbox.open(1);
    expect(after.sent).toEqual(["a", "b"]);
    expect(after.outbox.unsaved).toBe(0);
  });

  it("tries again by itself when the network comes back", async () => {
    let online = false;
    const { outbox, timers } = outboxOn(new IDBFactory(), () => (online ? saved() : { kind: "unreachable" }));
    await outbox.open(1);
    await outbox.add(event("a"));
    await outbox.flush();
    online = true;
    timers.at(-1)?.();
    await outbox.flush();
    expect(outbox.unsaved).toBe(0);
  });

  it("waits for a new sign-in when the session has ended, then replays", async () => {
    let signedIn = false;
    const { outbox, onSignedOut, sent } = outboxOn(new IDBFactory(), () =>
      signedIn ? saved() : { kind: "unauthorized" },
    );
    await outbox.open(1);
    await outbox.add(event("a"));
    await outbox.flush();
    await outbox.add(event("b"));
    expect(onSignedOut).toHaveBeenCalledTimes(1);
    expect(outbox.unsaved).toBe(2);
    signedIn = true;
    await outbox.open(1);
    expect(sent).toEqual(["a", "a", "b"]);
    expect(outbox.unsaved).toBe(0);
  });

  it("never sends one person's work as another", async () => {
    const disk = new IDBFactory();
    const first = outboxOn(disk, () => ({ kind: "unreachable" }));
    await first.outbox.open(1);
    await first.outbox.add(event("a"));
    await first.outbox.flush();
    const second = outboxOn(disk, saved);
    await second.outbox.open(2);
    expect(second.sent).toEqual([]);
    expect(second.outbox.unsaved).toBe(0);
    expect(await new IndexedDbStore(disk).all()).toHaveLength(1);
  });

  it("sets aside what is refused for good, and the rest goes on", async () => {
    const { outbox } = outboxOn(new IDBFactory(), (pending) =>
      pending.id === "a" ? { kind: "refused", message: "The category is gone." } : saved(),
    );
    await outbox.open(1);
    await outbox.add(event("a"));
    await outbox.add(event("b"));
    await outbox.flush();
    expect(outbox.unsaved).toBe(0);
    expect(outbox.refused.map(({ id, refused }) => [id, refused])).toEqual([["a", "The category is gone."]]);
    await outbox.discard("a");
    expect(outbox.refused).toEqual([]);
  });
});
