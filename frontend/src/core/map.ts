/** A map of a space as the server sends it: columns of numbers, and what can be asked of them without a screen. */

export interface MapData {
  readonly count: number;
  /** Category ids; a point's category is a place in this list plus one, 0 is none. */
  readonly categories: readonly number[];
  readonly ids: Float64Array;
  /** x, y, x, y … from 0 to 65,535. */
  readonly places: Uint16Array;
  readonly label: Uint16Array;
  readonly predicted: Uint16Array;
  readonly before: Uint16Array;
  readonly flags: Uint8Array;
}

export const EXTENT = 65_535;
export const BLIND = 1;
const NAME = "WINNOWMAP1";

/** Reads what `GET /projects/ID/map/points` answers. */
export function mapRead(buffer: ArrayBuffer): MapData {
  const bytes = new Uint8Array(buffer);
  const name = new TextDecoder().decode(bytes.subarray(0, NAME.length));
  if (name !== NAME) throw new Error("The server's answer is no map. Reload the page.");
  const length = new DataView(buffer).getUint32(12, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(16, 16 + length))) as {
    count: number;
    categories: number[];
  };
  const n = header.count;
  let at = 16 + length;
  const next = (size: number): number => {
    at += size;
    return at - size;
  };
  return {
    ...header,
    ids: new Float64Array(buffer, next(8 * n), n),
    places: new Uint16Array(buffer, next(4 * n), 2 * n),
    label: new Uint16Array(buffer, next(2 * n), n),
    predicted: new Uint16Array(buffer, next(2 * n), n),
    before: new Uint16Array(buffer, next(2 * n), n),
    flags: new Uint8Array(buffer, next(n), n),
  };
}

export type ColorBy = "category" | "prediction" | "error" | "run";

/** What a point is shown as: a category's place plus one, or one of the three below. */
export const PLAIN = 0;
export const RIGHT = 65_534;
export const WRONG = 65_535;

/** One group a point: its category, or whether two of its columns agree. */
export function groupsOf(data: MapData, by: ColorBy): Uint16Array {
  if (by === "category") return data.label;
  if (by === "prediction") return data.predicted;
  const [one, other] = by === "error" ? [data.label, data.predicted] : [data.before, data.predicted];
  return one.map((group, i) => {
    const against = other[i] ?? 0;
    if (group === 0 || against === 0) return PLAIN;
    return group === against ? RIGHT : WRONG;
  });
}

/** How many points each group has, largest first, without the plain ones. */
export function tally(groups: Uint16Array): [group: number, count: number][] {
  const counts = new Map<number, number>();
  for (const group of groups) if (group !== PLAIN) counts.set(group, (counts.get(group) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
}

type Point = readonly [x: number, y: number];

/** Rows of the points inside a closed line, by the even-odd rule. */
export function inside(places: Uint16Array, line: readonly Point[]): number[] {
  if (line.length < 3) return [];
  const xs = line.map(([x]) => x);
  const ys = line.map(([, y]) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const rows: number[] = [];
  for (let row = 0; row < places.length / 2; row += 1) {
    const x = places[2 * row] as number;
    const y = places[2 * row + 1] as number;
    if (x >= left && x <= right && y >= top && y <= bottom && crossings(line, x, y) % 2 === 1) rows.push(row);
  }
  return rows;
}

function crossings(line: readonly Point[], x: number, y: number): number {
  let count = 0;
  let [px, py] = line[line.length - 1] as Point;
  for (const [qx, qy] of line) {
    if (py > y !== qy > y && x < ((px - qx) * (y - qy)) / (py - qy) + qx) count += 1;
    [px, py] = [qx, qy];
  }
  return count;
}

/** The row of the nearest point within `reach`, or -1. */
export function nearest(places: Uint16Array, x: number, y: number, reach: number): number {
  let found = -1;
  let best = reach * reach;
  for (let row = 0; row < places.length / 2; row += 1) {
    const dx = (places[2 * row] as number) - x;
    const dy = (places[2 * row + 1] as number) - y;
    const far = dx * dx + dy * dy;
    if (far < best) [best, found] = [far, row];
  }
  return found;
}

/** What part of the map is on screen: its middle, and how many pixels its side takes. */
export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

export const MOST_ZOOM = 200;

/** The whole map with a border, in a window of this size. */
export const wholeMap = (width: number, height: number): Camera => ({
  x: EXTENT / 2,
  y: EXTENT / 2,
  side: Math.max(64, 0.92 * Math.min(width, height)),
});

/** A pixel of the window as a place on the map. */
export function placeAt(camera: Camera, width: number, height: number, px: number, py: number): [number, number] {
  const scale = EXTENT / camera.side;
  return [camera.x + (px - width / 2) * scale, camera.y + (py - height / 2) * scale];
}

/** Closer or farther; the place under the pixel stays where it is. */
export function zoomed(
  camera: Camera,
  width: number,
  height: number,
  factor: number,
  px = width / 2,
  py = height / 2,
): Camera {
  const least = wholeMap(width, height).side / 2;
  const side = Math.min(Math.max(camera.side * factor, least), least * 2 * MOST_ZOOM);
  const [x, y] = placeAt(camera, width, height, px, py);
  const kept = camera.side / side;
  return { x: x + (camera.x - x) * kept, y: y + (camera.y - y) * kept, side };
}
