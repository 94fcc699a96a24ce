import { expect, it } from "vitest";
import { fuzzyScore, fuzzySearch } from "./fuzzy";

const items = [
  { name: "ringed longhorn", synonyms: ["annulated beetle"], path: "Longhorns › ringed longhorn" },
  { name: "banded longhorn", synonyms: [], path: "Longhorns › banded longhorn" },
  { name: "ring", synonyms: [], path: "ring" },
  { name: "Köcherfliege", synonyms: ["caddisfly"], path: "Flies › Köcherfliege" },
];
const names = (typed: string) => fuzzySearch(typed, items).map(({ name }) => name);

it("puts the exact name first, then names that begin so", () => {
  expect(names("ring")).toEqual(["ring", "ringed longhorn"]);
});

it("finds by synonym, by parent and without accents", () => {
  expect(names("annul")).toEqual(["ringed longhorn"]);
  expect(names("caddis")).toEqual(["Köcherfliege"]);
  expect(names("kocher")).toEqual(["Köcherfliege"]);
  expect(names("longhorns")).toEqual(["ringed longhorn", "banded longhorn"]);
});

it("finds by the beginnings of words and by letters in order", () => {
  expect(names("ban lon")).toEqual(["banded longhorn"]);
  expect(fuzzyScore("rngd", "ringed")).toBeGreaterThan(0);
  expect(fuzzyScore("zq", "ringed")).toBeNull();
});
