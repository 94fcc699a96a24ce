import { describe, expect, it, vi } from "vitest";
import { type Answer, LabelingQueue, type LeaseAnswer, type Leased } from "./queue";

const leased = (id: number): Leased => ({ key: `k${id}` });
const label = (id: number): Answer => ({ annotation: `a${id}`, kind: "label", category: 1 });

function queueOf(total: number, block = 4, lowWater = 1) {
  let given = 0;
  const lease = vi.fn(async (count: number): Promise<LeaseAnswer<Leased>> => {
    const size = Math.min(count, total - given);
    const items = Array.from({ length: size }, (_, at) => leased(given + at + 1));
    given += size;
    return { items, empty: size === 0 ? "all_labeled" : null, remaining: total - given };
  });
  const want = (ahead: readonly Leased[]): number => (ahead.length > lowWater ? 0 : block);
  return { queue: new LabelingQueue({ lease, want }), lease };
}

describe("the labelling queue", () => {
  it("moves on at once, before any server answers", async () => {
    const { queue } = queueOf(4);
    await queue.fill();
    queue.answer(label(1));
    expect(queue.current?.leased.key).toBe("k2");
  });

  it("leases more before the last image is reached, and once at a time", async () => {
    const { queue, lease } = queueOf(8);
    await Promise.all([queue.fill(), queue.fill()]);
    expect(lease).toHaveBeenCalledTimes(1);
    for (const id of [1, 2, 3]) queue.answer(label(id));
    await queue.fill();
    expect(lease).toHaveBeenCalledTimes(2);
    expect(queue.upcoming(9).map(({ key }) => key)).toEqual(["k4", "k5", "k6", "k7", "k8"]);
  });

  it("brings an image back with the answer it had before, across submitted ones", async () => {
    const { queue } = queueOf(4);
    await queue.fill();
    queue.answer(label(1));
    queue.answer(label(2));
    queue.restore("k1", null);
    expect(queue.current?.leased.key).toBe("k1");
    queue.answer(label(1));
    expect(queue.current?.leased.key).toBe("k3");
  });

  it("says that nothing is left only when the server says so and every image is answered", async () => {
    const { queue } = queueOf(2, 2, 0);
    await queue.fill();
    queue.answer(label(1));
    expect(queue.state).toBe("ready");
    queue.answer(label(2));
    expect(queue.state).toBe("loading");
    await queue.fill();
    expect(queue.state).toBe("empty");
    expect(queue.emptyReason).toBe("all_labeled");
  });

  it("returns to an image that was passed over before it calls the work done", async () => {
    const { queue } = queueOf(2, 2, 0);
    await queue.fill();
    queue.next();
    queue.answer(label(2));
    expect(queue.current?.leased.key).toBe("k1");
  });

  it("hands back only what has no answer", async () => {
    const { queue } = queueOf(3, 3, 0);
    await queue.fill();
    queue.answer(label(1));
    expect(queue.open().map(({ key }) => key)).toEqual(["k2", "k3"]);
  });

  it("tells the server what it holds already", async () => {
    const { queue, lease } = queueOf(8);
    await queue.fill();
    for (const id of [1, 2, 3]) queue.answer(label(id));
    await queue.fill();
    expect(lease).toHaveBeenLastCalledWith(4, [leased(4)]);
  });

  it("lets go of what lies further ahead, never of what is on screen", async () => {
    const { queue } = queueOf(4);
    await queue.fill();
    queue.answer(label(1));
    expect(queue.letGo(1, () => true).map(({ key }) => key)).toEqual(["k4"]);
    expect(queue.open().map(({ key }) => key)).toEqual(["k2", "k3"]);
    expect(queue.letGo(0, ({ key }) => key === "k2")).toEqual([]);
  });

  it("keeps working after a failed lease", async () => {
    const answers = [Promise.reject(new Error("no network")), { items: [leased(1)], empty: null, remaining: 0 }];
    const lease = async () => (await answers.shift()) as LeaseAnswer<Leased>;
    const queue = new LabelingQueue({ lease, want: () => 1 });
    await queue.fill();
    expect(queue.state).toBe("failed");
    await queue.fill();
    expect(queue.state).toBe("ready");
  });

  it("shows no image twice when the server deals again what is held or already answered here", async () => {
    const deals = [
      [leased(1), leased(2)],
      [leased(1), leased(2), leased(3)],
    ];
    const lease = async (): Promise<LeaseAnswer<Leased>> => ({ items: deals.shift() ?? [], empty: null, remaining: 3 });
    const queue = new LabelingQueue({ lease, want: (ahead) => (ahead.length > 1 ? 0 : 3) });
    await queue.fill();
    queue.answer(label(1));
    await queue.fill();
    expect(queue.open().map(({ key }) => key)).toEqual(["k2", "k3"]);
    queue.answer(label(2));
    queue.answer(label(3));
    expect(queue.current).toBeUndefined();
  });

  it("tells the server what it holds when it asks for more", async () => {
    const asked: string[][] = [];
    const lease = async (_: number, held: readonly Leased[]): Promise<LeaseAnswer<Leased>> => {
      asked.push(held.map(({ key }) => key));
      return { items: asked.length === 1 ? [leased(1), leased(2)] : [], empty: null, remaining: 0 };
    };
    const queue = new LabelingQueue({ lease, want: (ahead) => (ahead.length > 1 ? 0 : 2) });
    await queue.fill();
    queue.answer(label(1));
    await queue.fill();
    expect(asked).toEqual([[], ["k2"]]);
  });
});
