import { describe, expect, it } from "vitest";
import type { OverviewCategory } from "@/api/types";
import { rowsOf } from "./families";

function category(id: number, path: string, confirmed: number, mosaic: string[] = []): OverviewCategory {
  const name = path.split(" › ").at(-1) ?? path;
  return { id, name, path, hue: 0, confirmed, predicted: 10 * confirmed, accuracy: null, mosaic };
}

describe("rows of a tree", () => {
  it("give a parent what lies below it, at any depth", () => {
    const rows = rowsOf([
      category(1, "Birds", 1, ["bird"]),
      category(2, "Birds › Owls", 0),
      category(3, "Birds › Owls › Barn owl", 4, ["barn-1", "barn-2"]),
      category(4, "Birds › Wren", 2, ["wren"]),
      category(5, "Birdsong", 8),
    ]);
    expect(rows.map((row) => [row.depth, row.isParent, row.confirmed, row.predicted])).toEqual([
      [0, true, 7, 70],
      [1, true, 4, 40],
      [2, false, 4, 40],
      [1, false, 2, 20],
      [0, false, 8, 80],
    ]);
    expect(rows[0]?.mosaic).toEqual(["bird", "barn-1", "wren", "barn-2"]);
  });

  it("are as they were where nothing is nested", () => {
    const flat = [category(1, "Fox", 3, ["f"]), category(2, "Owl", 0)];
    expect(rowsOf(flat).map((row) => [row.isParent, row.confirmed, row.mosaic])).toEqual([
      [false, 3, ["f"]],
      [false, 0, []],
    ]);
  });
});
