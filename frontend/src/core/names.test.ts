import { expect, it } from "vitest";
import { namesRead } from "./names";

it("reads a tree of names with synonyms and definitions", () => {
  const text = "Longhorns\n  ringed | annulated, circled | two pale rings\n  banded\n\nFlies\n\tcaddisfly";
  expect(namesRead(text).map(({ name, depth }) => [name, depth])).toEqual([
    ["Longhorns", 0],
    ["ringed", 1],
    ["banded", 1],
    ["Flies", 0],
    ["caddisfly", 1],
  ]);
  expect(namesRead(text)[1]).toEqual({
    name: "ringed",
    depth: 1,
    synonyms: ["annulated", "circled"],
    definition: "two pale rings",
  });
});
