/** How many square tiles fit on a screen, and how large they may be, so that a page never scrolls. */

export interface Room {
  readonly width: number;
  readonly height: number;
}

export interface TileFit {
  readonly columns: number;
  readonly rows: number;
  /** Whole pixels along one side of a tile. */
  readonly edge: number;
}

/** A few images are not blown up to a screenful: the eye takes them in at once at this size. */
const largest = (count: number): number => (count > 3 ? 264 : 400);

/** The most tiles of at least `smallest` pixels a side that fit with `gap` between them; never less than one. */
export function tilesMost(room: Room, smallest: number, gap: number): number {
  const along = (length: number): number => Math.max(Math.floor((length + gap) / (smallest + gap)), 1);
  return along(room.width) * along(room.height);
}

/** The largest tiles at which `count` of them fit; rows are filled from the left. */
export function tilesFit(room: Room, count: number, gap: number): TileFit {
  let best: TileFit = { columns: 1, rows: Math.max(count, 1), edge: 0 };
  for (let columns = 1; columns <= Math.max(count, 1); columns += 1) {
    const rows = Math.ceil(Math.max(count, 1) / columns);
    const across = (room.width - gap * (columns - 1)) / columns;
    const down = (room.height - gap * (rows - 1)) / rows;
    const edge = Math.floor(Math.min(across, down, largest(count)));
    if (edge > best.edge) best = { columns, rows, edge };
  }
  return { ...best, edge: Math.max(best.edge, 1) };
}

export type Direction = "left" | "right" | "up" | "down";

/** Where the caret goes: left and right follow the reading order, up and down stay in their column. */
export function tileStep(at: number, direction: Direction, columns: number, count: number): number {
  if (direction === "left") return Math.max(at - 1, 0);
  if (direction === "right") return Math.min(at + 1, count - 1);
  if (direction === "up") return at - columns < 0 ? at : at - columns;
  const below = at + columns;
  if (below < count) return below;
  const inLastRow = Math.floor(at / columns) === Math.floor((count - 1) / columns);
  return inLastRow ? at : count - 1;
}
