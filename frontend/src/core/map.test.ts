import { describe, expect, it } from "vitest";
import { groupsOf, inside, mapRead, nearest, PLAIN, placeAt, RIGHT, tally, WRONG, wholeMap, zoomed } from "./map";

/** Three points as the server writes them. */
function answer(): ArrayBuffer {
  const text = JSON.stringify({ count: 3, categories: [40, 50] });
  const header = text.padEnd(Math.ceil(text.length / 8) * 8);
  const buffer = new ArrayBuffer(16 + header.length + 3 * (8 + 4 + 2 + 2 + 2 + 1));
  const bytes = new Uint8Array(buffer);
  bytes.set(new TextEncoder().encode("WINNOWMAP1"));
  new DataView(buffer).setUint32(12, header.length, true);
  bytes.set(new TextEncoder().encode(header), 16);
  let at = 16 + header.length;
  const put = (column: Float64Array | Uint16Array | Uint8Array): void => {
    bytes.set(new Uint8Array(column.buffer), at);
    at += column.byteLength;
  };
  put(new Float64Array([7, 8, 9]));
  put(new Uint16Array([0, 0, 100, 100, 65_535, 65_535]));
  put(new Uint16Array([1, 2, 0])); // label
  put(new Uint16Array([1, 1, 2])); // predicted
  put(new Uint16Array([2, 1, 0])); // before
  put(new Uint8Array([0, 1, 0]));
  return buffer;
}

describe("a map", () => {
  it("is read from the server's columns", () => {
    const data = mapRead(answer());
    expect([...data.ids]).toEqual([7, 8, 9]);
    expect([...data.places]).toEqual([0, 0, 100, 100, 65_535, 65_535]);
    expect([...data.flags]).toEqual([0, 1, 0]);
    expect(data.categories).toEqual([40, 50]);
  });

  it("refuses what is no map", () => {
    expect(() => mapRead(new ArrayBuffer(64))).toThrow("no map");
  });

  it("shows errors where people and model say different things, and changes where two runs do", () => {
    const data = mapRead(answer());
    expect([...groupsOf(data, "error")]).toEqual([RIGHT, WRONG, PLAIN]);
    expect([...groupsOf(data, "run")]).toEqual([WRONG, RIGHT, PLAIN]);
    expect(tally(groupsOf(data, "prediction"))).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });
});

describe("a lasso", () => {
  const places = new Uint16Array([10, 10, 50, 50, 90, 10, 50, 20]);

  it("takes what lies inside, also of a line that bends inwards", () => {
    const notched = [
      [0, 0],
      [100, 0],
      [100, 100],
      [50, 30],
      [0, 100],
    ] as const;
    expect(inside(places, notched)).toEqual([0, 2, 3]);
  });

  it("takes nothing with a click", () => {
    expect(inside(places, [[10, 10]])).toEqual([]);
  });

  it("has a nearest point only within reach", () => {
    expect(nearest(places, 52, 48, 5)).toBe(1);
    expect(nearest(places, 70, 80, 5)).toBe(-1);
  });
});

describe("the camera", () => {
  it("keeps the place under the pointer when it comes closer", () => {
    const camera = wholeMap(800, 600);
    const before = placeAt(camera, 800, 600, 200, 150);
    const after = placeAt(zoomed(camera, 800, 600, 3, 200, 150), 800, 600, 200, 150);
    expect(after[0]).toBeCloseTo(before[0], 6);
    expect(after[1]).toBeCloseTo(before[1], 6);
  });

  it("goes no farther than half the window and no closer than two hundred times", () => {
    const camera = wholeMap(800, 600);
    expect(zoomed(camera, 800, 600, 1e-9).side).toBe(camera.side / 2);
    expect(zoomed(camera, 800, 600, 1e9).side).toBe(camera.side * 200);
  });
});
