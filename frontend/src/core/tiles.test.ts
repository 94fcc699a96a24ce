import { describe, expect, it } from "vitest";
import { tileStep, tilesFit, tilesMost } from "./tiles";

describe("tiles on a screen", () => {
  it("fits a page of 32 on a laptop in four rows of eight", () => {
    expect(tilesFit({ width: 1192, height: 520 }, 32, 8)).toEqual({ columns: 8, rows: 4, edge: 124 });
  });

  it("never needs more room than there is", () => {
    for (const [width, height] of [
      [1192, 520],
      [936, 540],
      [1832, 880],
      [360, 420],
    ] as const) {
      for (let count = 1; count <= 60; count += 1) {
        const { columns, rows, edge } = tilesFit({ width, height }, count, 8);
        expect(columns * rows).toBeGreaterThanOrEqual(count);
        expect(columns * edge + (columns - 1) * 8).toBeLessThanOrEqual(width);
        expect(rows * edge + (rows - 1) * 8).toBeLessThanOrEqual(height);
      }
    }
  });

  it("asks for no more tiles than fit at the smallest size, and those do fit", () => {
    const room = { width: 1192, height: 520 };
    const most = tilesMost(room, 112, 8);
    expect(most).toBe(40);
    expect(tilesFit(room, most, 8).edge).toBeGreaterThanOrEqual(112);
  });

  it("does not blow a few images up to a screenful", () => {
    expect(tilesFit({ width: 1800, height: 900 }, 3, 8).edge).toBe(400);
    expect(tilesFit({ width: 1800, height: 900 }, 4, 8).edge).toBe(264);
  });

  it("asks for one tile on the smallest of screens", () => {
    expect(tilesMost({ width: 40, height: 40 }, 112, 8)).toBe(1);
  });
});

describe("the caret", () => {
  // 0 1 2 3
  // 4 5 6
  const step = (at: number, direction: "left" | "right" | "up" | "down") => tileStep(at, direction, 4, 7);

  it("follows the reading order sideways and stops at both ends", () => {
    expect(step(3, "right")).toBe(4);
    expect(step(4, "left")).toBe(3);
    expect(step(6, "right")).toBe(6);
    expect(step(0, "left")).toBe(0);
  });

  it("stays in its column up and down, and takes the last tile where a row is short", () => {
    expect(step(1, "down")).toBe(5);
    expect(step(5, "up")).toBe(1);
    expect(step(3, "down")).toBe(6);
    expect(step(5, "down")).toBe(5);
    expect(step(2, "up")).toBe(2);
  });
});
