/** Lays images out in rows of equal width, each image whole, at its own proportions. */

/** An image that has not been read yet has no size; it is given a square. */
export interface Proportion {
  readonly width: number | null;
  readonly height: number | null;
}

export interface PlacedRow {
  readonly top: number;
  readonly height: number;
  readonly first: number;
  readonly widths: readonly number[];
}

export interface JustifyOptions {
  readonly width: number;
  readonly target: number;
  readonly gap: number;
  /** The last row of a list that goes on is left out until it is full. */
  readonly complete: boolean;
}

/** Extreme panoramas are shown letterboxed, so that one image never takes a row to itself. */
const proportion = ({ width, height }: Proportion): number =>
  Math.min(Math.max((width ?? 1) / Math.max(height ?? 1, 1), 0.5), 2.4);

export function justify(items: readonly Proportion[], options: JustifyOptions): PlacedRow[] {
  const rows: PlacedRow[] = [];
  let first = 0;
  let sum = 0;
  let top = 0;
  const close = (end: number, height: number): void => {
    const widths = items.slice(first, end).map((item) => proportion(item) * height);
    rows.push({ top, height, first, widths });
    top += height + options.gap;
    first = end;
    sum = 0;
  };
  items.forEach((item, index) => {
    sum += proportion(item);
    const room = options.width - options.gap * (index - first);
    if (sum * options.target >= room) close(index + 1, room / sum);
  });
  if (options.complete && first < items.length) close(items.length, options.target);
  return rows;
}

/** The rows that touch the window between `from` and `to`, found by halving. */
export function rowsWithin(rows: readonly PlacedRow[], from: number, to: number): PlacedRow[] {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row !== undefined && row.top + row.height < from) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < rows.length && (rows[end]?.top ?? Number.POSITIVE_INFINITY) <= to) end += 1;
  return rows.slice(low, end);
}
