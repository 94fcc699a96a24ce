import { expect, it } from "vitest";
import { justify, rowsWithin } from "./justify";

const square = { width: 100, height: 100 };

it("fills each row to the full width", () => {
  const rows = justify([square, square, square, square], { width: 210, target: 100, gap: 10, complete: false });
  expect(rows).toEqual([
    { top: 0, height: 100, first: 0, widths: [100, 100] },
    { top: 110, height: 100, first: 2, widths: [100, 100] },
  ]);
});

it("leaves an unfinished row out while more images are coming and shows it at the end", () => {
  const options = { width: 210, target: 100, gap: 10 };
  expect(justify([square, square, square], { ...options, complete: false })).toHaveLength(1);
  expect(justify([square, square, square], { ...options, complete: true }).at(-1)?.widths).toEqual([100]);
});

it("draws only the rows in the window", () => {
  const rows = justify(Array(200).fill(square), { width: 210, target: 100, gap: 10, complete: true });
  expect(rowsWithin(rows, 1100, 1320).map((row) => row.top)).toEqual([1100, 1210, 1320]);
});
