import { expect, it } from "vitest";
import { bestBuys, minutesText, minutesTo, missing, verdict } from "./effort";

const goal = (value: number | null, high: number | null = value) => ({ accuracy: 0.9, value, low: 110, high });

it("says how many more labels a goal takes, and that it may never be reached", () => {
  expect(missing(goal(250, 900), 100)).toBe("150 more labels (10 to 800)");
  expect(missing(goal(250, null), 100)).toBe("150 more labels (10 to perhaps never)");
  expect(missing(goal(80), 100)).toBe("reached");
  expect(missing(goal(null), 100)).toBe("not with this model alone");
});

it("turns labels into people's time where a label's time is known", () => {
  expect(minutesTo(goal(700), 100, 3)).toBe("30 min");
  expect(minutesTo(goal(700), 100, null)).toBe("–");
  expect(minutesText(0.2)).toBe("under a minute");
  expect(minutesText(150)).toBe("2.5 h");
});

it("tells when to stop", () => {
  expect(verdict({ labels: 100, value: 0.002, low: 0, high: 0.008 }).stop).toBe(true);
  const on = verdict({ labels: 100, value: 0.02, low: 0.01, high: 0.04 });
  expect(on).toEqual({ stop: false, text: "The next 100 labels add about 2.0 points of accuracy (1.0 to 4.0)." });
});

it("weighs a category's gain by how common it is, and keeps the unknown apart", () => {
  const gain = (value: number) => ({ labels: 100, value, low: 0, high: 1 });
  const found = bestBuys([
    { id: "rare", n: 20, gain: gain(0.2) },
    { id: "common", n: 80, gain: gain(0.1) },
    { id: "young", n: 0, gain: null },
  ]);
  expect(found.known.map(({ id, points }) => [id, points])).toEqual([
    ["common", 0.08],
    ["rare", 0.04],
  ]);
  expect(found.unknown.map(({ id }) => id)).toEqual(["young"]);
});
