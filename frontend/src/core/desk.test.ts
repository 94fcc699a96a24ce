import { beforeEach, describe, expect, it } from "vitest";
import { LookingClock } from "./clock";
import { Desk } from "./desk";
import { type DeskItem, type DeskPage, type Entry, type Judgement, oneEntry } from "./entry";
import { LabelingQueue } from "./queue";

const suggestions = [
  { category: 7, probability: 0.6 },
  { category: 8, probability: 0.3 },
];
const item = (id: number, blind = false): DeskItem => ({
  token: `t${id}`,
  blind,
  suggestions: blind ? [] : suggestions,
  image: { id, display: `/${id}` },
});

let now: number;
let sent: Judgement[];
let desk: Desk<DeskItem, DeskPage>;

beforeEach(async () => {
  now = 0;
  sent = [];
  const items = [item(1), item(2), item(3, true), item(4)].map(oneEntry);
  const queue = new LabelingQueue<Entry<DeskItem, DeskPage>>({
    lease: async () => ({ items: items.splice(0), empty: null, remaining: 0 }),
    want: (ahead) => (ahead.length === 0 ? 1 : 0),
  });
  desk = new Desk({
    queue,
    clock: new LookingClock(() => now),
    record: {
      annotate: (judgement) => `u${sent.push(judgement)}`,
      commit: () => "",
      takeBack: () => undefined,
    },
  });
  await queue.fill();
});

describe("the desk", () => {
  it("records a label with the evidence on which it was given, and moves on", () => {
    now = 900;
    desk.label(8, "digit");
    expect(sent).toEqual([
      {
        image: 1,
        kind: "label",
        category: 8,
        token: "t1",
        blind: false,
        duration_ms: 900,
        evidence_details: { input: "digit", first: 7, suggested: 8, rank: 2, probability: 0.3 },
      },
    ]);
    expect(desk.item?.image.id).toBe(2);
  });

  it("says that no suggestion was shown for a blind image", () => {
    desk.skip();
    desk.skip();
    desk.label(9, "type");
    expect(sent[2]).toMatchObject({ image: 3, blind: true, evidence_details: { input: "type" } });
    expect(sent[2]?.evidence_details).not.toHaveProperty("suggested");
    expect(sent[2]?.evidence_details).not.toHaveProperty("first");
  });

  it("takes acts back one by one, across images already submitted, as events of their own", () => {
    desk.label(7, "digit");
    desk.label(8, "digit");
    desk.undo();
    desk.undo();
    expect(sent.slice(2)).toEqual([
      { image: 2, kind: "undo", undoes: "u2" },
      { image: 1, kind: "undo", undoes: "u1" },
    ]);
    expect(desk.item?.image.id).toBe(1);
    expect(desk.made).toBe(0);
  });

  it("repeats what was undone as a new event", () => {
    desk.label(7, "digit");
    desk.undo();
    desk.redo();
    expect(sent[2]).toMatchObject({ image: 1, kind: "label", category: 7 });
    expect(desk.item?.image.id).toBe(2);
    desk.undo();
    expect(sent[3]).toEqual({ image: 1, kind: "undo", undoes: "u3" });
  });

  it("returns to the earlier answer when a correction is undone", () => {
    desk.label(7, "digit");
    desk.queue.previous();
    desk.label(8, "mouse");
    desk.undo();
    expect(desk.queue.current?.answer).toMatchObject({ annotation: "u1", category: 7 });
  });

  it("remembers the categories given last, each once", () => {
    desk.label(7, "digit");
    desk.label(8, "digit");
    desk.label(7, "same");
    expect(desk.recent).toEqual([7, 8]);
  });

  it("measures each image from the moment it is shown", () => {
    now = 1000;
    desk.skip();
    now = 1400;
    desk.flag("blurred");
    expect(sent[1]).toMatchObject({ kind: "flag", comment: "blurred", duration_ms: 400 });
  });
});
