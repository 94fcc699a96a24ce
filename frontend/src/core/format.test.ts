import { expect, it } from "vitest";
import { ago, bytes, count, plural, probability, seconds } from "./format";

it("writes numbers as people read them", () => {
  expect(count(12_000)).toBe("12,000");
  expect(plural(1, "image")).toBe("1 image");
  expect(plural(2, "category", "categories")).toBe("2 categories");
  expect([0.58, 0.999, 0.001].map(probability)).toEqual([".58", "1.0", ".00"]);
  expect([999, 1500, 42_000_000].map(bytes)).toEqual(["999 B", "1.5 kB", "42 MB"]);
});

it("writes times as people read them", () => {
  expect([0.2, 42, 130, 7300].map(seconds)).toEqual(["under a second", "42 s", "2 min", "2 h"]);
  expect(ago("2026-01-01T10:00:00Z", Date.parse("2026-01-01T10:05:00Z"))).toBe("5 min ago");
});
