import { describe, expect, it } from "vitest";
import {
  sheetDraft,
  sheetFocus,
  sheetGive,
  sheetOpen,
  sheetStrikeRange,
  sheetTally,
  sheetToggle,
  sheetVerdicts,
} from "./sheet";

const page = { id: "p", category: 7, tiles: [11, 12, 13, 14].map((id) => ({ image: { id } })) };
const fresh = sheetOpen(page);

describe("a page", () => {
  it("presumes every tile right until something is said", () => {
    expect(sheetVerdicts(fresh).map(({ verdict }) => verdict)).toEqual(["confirm", "confirm", "confirm", "confirm"]);
  });

  it("sends what was struck, renamed, skipped and flagged", () => {
    let sheet = sheetToggle(fresh, 0, "strike");
    sheet = sheetGive(sheet, 1, 9);
    sheet = sheetToggle(sheet, 2, "skip");
    sheet = sheetToggle(sheet, 3, "flag");
    expect(sheetVerdicts(sheet)).toEqual([
      { image: 11, verdict: "strike" },
      { image: 12, verdict: "label", category: 9 },
      { image: 13, verdict: "skip" },
      { image: 14, verdict: "flag" },
    ]);
    expect(sheetTally(sheet)).toEqual({ confirmed: 0, struck: 1, relabeled: 1, skipped: 1, flagged: 1 });
  });

  it("takes a word back with the key that said it", () => {
    const sheet = sheetToggle(sheetToggle(fresh, 1, "strike"), 1, "strike");
    expect(sheetTally(sheet).confirmed).toBe(4);
  });

  it("forgets the category that a tile was given when its strike is taken back", () => {
    expect(sheetTally(sheetToggle(sheetGive(fresh, 1, 9), 1, "strike")).confirmed).toBe(4);
  });

  it("puts a tile back among the right ones when it is given the page's own category", () => {
    expect(sheetTally(sheetGive(sheetToggle(fresh, 2, "strike"), 2, 7)).confirmed).toBe(4);
  });

  it("strikes a range in either direction and keeps what was said in it", () => {
    const sheet = sheetStrikeRange(sheetGive(fresh, 2, 9), 3, 1);
    expect(sheetVerdicts(sheet).map(({ verdict }) => verdict)).toEqual(["confirm", "strike", "label", "strike"]);
    expect(sheet.focus).toBe(1);
  });

  it("keeps the caret on the page", () => {
    expect(sheetFocus(fresh, 99).focus).toBe(3);
    expect(sheetFocus(fresh, -1).focus).toBe(0);
  });

  it("remembers an unfinished page by its images, for the same category only", () => {
    const draft = sheetDraft(sheetGive(sheetToggle(fresh, 3, "strike"), 0, 9));
    const later = { id: "q", category: 7, tiles: [14, 20, 11].map((id) => ({ image: { id } })) };
    expect(sheetVerdicts(sheetOpen(later, draft)).map(({ verdict }) => verdict)).toEqual([
      "strike",
      "confirm",
      "label",
    ]);
    expect(sheetTally(sheetOpen({ ...later, category: 8 }, draft)).confirmed).toBe(3);
  });
});
