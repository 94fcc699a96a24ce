import { expect, it } from "vitest";
import { NOTHING_SELECTED, selectionExtend, selectionToggle } from "./selection";

it("takes everything between two clicks with Shift, in either direction", () => {
  const first = selectionToggle(NOTHING_SELECTED, 3);
  expect([...selectionExtend(first, 1, [5, 1, 2, 3, 4]).ids]).toEqual([3, 1, 2]);
  expect([...selectionExtend(first, 4, [5, 1, 2, 3, 4]).ids]).toEqual([3, 4]);
});

it("lets go of what is clicked again, and starts anew when the anchor is no longer on screen", () => {
  const first = selectionToggle(NOTHING_SELECTED, 3);
  expect(selectionToggle(first, 3).ids.size).toBe(0);
  expect([...selectionExtend(first, 9, [8, 9]).ids]).toEqual([3, 9]);
});
