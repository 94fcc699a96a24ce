import { beforeEach, describe, expect, it } from "vitest";
import { LookingClock } from "./clock";
import { Desk, type DraftStore } from "./desk";
import {
  type DeskItem,
  type DeskPage,
  type Entry,
  oneEntry,
  type PageAnswer,
  pageEntry,
  wantOnes,
  wantPages,
} from "./entry";
import { LabelingQueue } from "./queue";
import { type Draft, sheetGive, sheetToggle } from "./sheet";

const page = (id: string, category: number, images: number[]) =>
  pageEntry<DeskPage>({ id, category, tiles: images.map((image) => ({ image: { id: image }, suggestions: [] })) });
const one = (id: number) =>
  oneEntry<DeskItem>({ token: `t${id}`, blind: true, suggestions: [], image: { id, display: "" } });

type Sent =
  | { readonly commit: string; readonly page: string; readonly answer: PageAnswer }
  | { readonly undo: string }
  | { readonly image: number; readonly kind: string };

let now: number;
let sent: Sent[];
let kept: Draft | null;
const drafts: DraftStore = {
  read: () => kept,
  write: (draft) => {
    kept = draft;
  },
};

async function deskWith(entries: Entry<DeskItem, DeskPage>[]) {
  const waiting = [...entries];
  const queue = new LabelingQueue<Entry<DeskItem, DeskPage>>({
    lease: async () => ({ items: waiting.splice(0), empty: null, remaining: 0 }),
    want: (ahead) => (ahead.length === 0 ? 1 : 0),
  });
  const desk = new Desk<DeskItem, DeskPage>({
    queue,
    clock: new LookingClock(() => now),
    drafts,
    record: {
      annotate: ({ image, kind }) => `a${sent.push({ image, kind })}`,
      commit: (page, answer) => {
        const commit = `c${sent.length + 1}`;
        sent.push({ commit, page, answer });
        return commit;
      },
      takeBack: (undo) => void sent.push({ undo }),
    },
  });
  await queue.fill();
  return desk;
}

beforeEach(() => {
  now = 0;
  sent = [];
  kept = null;
});

describe("pages on the desk", () => {
  it("sends one verdict for each tile and shows the next page at once", async () => {
    const desk = await deskWith([page("p", 7, [1, 2, 3]), page("q", 8, [4])]);
    desk.mark((sheet) => sheetToggle(sheet, 1, "strike"));
    now = 5200;
    desk.commit("keyboard");
    expect(sent).toEqual([
      {
        commit: "c1",
        page: "p",
        answer: {
          duration_ms: 5200,
          input: "keyboard",
          tiles: [
            { image: 1, verdict: "confirm" },
            { image: 2, verdict: "strike" },
            { image: 3, verdict: "confirm" },
          ],
        },
      },
    ]);
    expect(desk.page?.id).toBe("q");
    expect(desk.made).toBe(2);
  });

  it("takes back whatever came last, a page or a single image, each by its own event", async () => {
    const desk = await deskWith([page("p", 7, [1, 2]), one(9), page("q", 8, [4])]);
    desk.commit("keyboard");
    desk.label(5, "type");
    desk.undo();
    expect(desk.item?.image.id).toBe(9);
    desk.undo();
    expect(desk.page?.id).toBe("p");
    expect(sent.slice(2)).toEqual([{ image: 9, kind: "undo" }, { undo: "c1" }]);
    expect(desk.made).toBe(0);
  });

  it("brings a page back with what was struck on it, and sends it again as a new commit", async () => {
    const desk = await deskWith([page("p", 7, [1, 2]), page("q", 8, [4])]);
    desk.mark((sheet) => sheetToggle(sheet, 0, "strike"));
    desk.commit("keyboard");
    desk.undo();
    expect(desk.sheet?.exceptions.get(1)).toEqual({ kind: "strike" });
    desk.mark((sheet) => sheetGive(sheet, 0, 8));
    desk.commit("keyboard");
    expect(sent.at(-1)).toMatchObject({ commit: "c3", page: "p" });
    expect(desk.recent).toEqual([8]);
  });

  it("repeats a page that was taken back", async () => {
    const desk = await deskWith([page("p", 7, [1, 2]), page("q", 8, [4])]);
    desk.commit("mouse");
    desk.undo();
    desk.redo();
    desk.undo();
    expect(sent.map((event) => ("undo" in event ? `undo ${event.undo}` : "sent"))).toEqual([
      "sent",
      "undo c1",
      "sent",
      "undo c3",
    ]);
  });

  it("keeps an unfinished page for the person who comes back, and forgets it once it is sent", async () => {
    const before = await deskWith([page("p", 7, [1, 2, 3])]);
    before.mark((sheet) => sheetToggle(sheet, 2, "strike"));
    const after = await deskWith([page("r", 7, [3, 9]), page("s", 7, [3])]);
    expect(after.sheet?.exceptions.get(3)).toEqual({ kind: "strike" });
    after.commit("keyboard");
    expect(kept).toBeNull();
    expect(after.sheet?.exceptions.size).toBe(0);
  });
});

it("keeps an unfinished page until its category comes round again", async () => {
  kept = { category: 7, exceptions: [[3, { kind: "strike" }]] };
  const desk = await deskWith([page("o", 8, [5]), page("p", 7, [3])]);
  desk.commit("keyboard");
  expect(kept).not.toBeNull();
  expect(desk.sheet?.exceptions.get(3)).toEqual({ kind: "strike" });
});

describe("how much lies ahead", () => {
  const ahead = (kinds: string) => [...kinds].map((kind) => ({ kind: kind === "p" ? "page" : "one" }) as const);

  it("keeps two pages behind the one on screen", () => {
    expect(wantPages(ahead(""))).toBe(3);
    expect(wantPages(ahead("pop"))).toBe(1);
    expect(wantPages(ahead("ppp"))).toBe(0);
  });

  it("does not pile up pages behind many single images", () => {
    expect(wantPages(ahead("ooooooooo"))).toBe(0);
    expect(wantOnes(ahead("ooooooooo"))).toBe(0);
    expect(wantOnes(ahead("oooooooo"))).toBe(20);
  });
});
