import { expect, it, vi } from "vitest";

vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
const { pageCommands } = await import("./pageCommands");
const { letterOf, TILE_LETTERS, tileOf } = await import("@/core/letters");

type Acts = Parameters<typeof pageCommands>[0];

const nothing = (): void => undefined;
const acts = (letters: boolean): Acts => ({
  desk: { recent: [], sheet: { images: Array.from({ length: 40 }, (_, at) => at) } } as unknown as Acts["desk"],
  own: [],
  columns: 10,
  toggle: nothing,
  give: nothing,
  commit: nothing,
  undo: nothing,
  type: nothing,
  setZoomed: nothing,
  letters,
});

it("gives no tile a letter that is a command's", () => {
  const taken = pageCommands(acts(true)).flatMap(({ keys }) => keys);
  expect(TILE_LETTERS.filter((letter) => taken.includes(letter) || letter === "G")).toEqual([]);
});

it("strikes the tile whose letter is pressed, small or capital", () => {
  const toggle = vi.fn();
  const strike = pageCommands({ ...acts(true), toggle }).find(({ id }) => id === "page.letter");
  strike?.run("d");
  strike?.run("Y");
  strike?.run("ж");
  expect(toggle.mock.calls).toEqual([
    [3, "strike"],
    [19, "strike"],
  ]);
});

it("knows no tile by a letter that a short page does not reach", () => {
  expect(tileOf("D", 3)).toBe(-1);
  expect(tileOf("C", 3)).toBe(2);
  expect(letterOf(20)).toBeUndefined();
});

it("leaves letters to names, and H J K L to the caret, where tiles carry none", () => {
  const without = pageCommands(acts(false));
  expect(without.find(({ id }) => id === "label.type")?.letters).toBe(true);
  expect(without.find(({ id }) => id === "page.letter")?.when?.()).toBe(false);
  expect(without.find(({ id }) => id === "page.left")?.keys).toEqual(["ArrowLeft", "H"]);
});
