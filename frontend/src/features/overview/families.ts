import type { OverviewCategory } from "@/api/types";

const STEP = " › ";

export interface Row {
  readonly category: OverviewCategory;
  readonly depth: number;
  readonly isParent: boolean;
  /** Of the category and everything below it. */
  readonly confirmed: number;
  readonly predicted: number;
  readonly mosaic: readonly string[];
}

/** Rows of a tree given in its own order (parents before children): a parent counts and shows what lies below it. */
export function rowsOf(categories: readonly OverviewCategory[]): Row[] {
  return categories.map((category, at) => {
    const below = descendants(categories, at);
    const family = [category, ...below];
    return {
      category,
      depth: category.path.split(STEP).length - 1,
      isParent: below.length > 0,
      confirmed: sum(family.map((one) => one.confirmed)),
      predicted: sum(family.map((one) => one.predicted)),
      mosaic: inTurn(family.map((one) => one.mosaic)),
    };
  });
}

function descendants(categories: readonly OverviewCategory[], at: number): OverviewCategory[] {
  const prefix = `${categories[at]?.path}${STEP}`;
  const rest = categories.slice(at + 1);
  const end = rest.findIndex((other) => !other.path.startsWith(prefix));
  return end < 0 ? rest : rest.slice(0, end);
}

/** The first of each, then the second of each: one child does not fill its parent's row alone. */
function inTurn(lists: readonly (readonly string[])[]): string[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, place) => lists.flatMap((list) => list.slice(place, place + 1))).flat();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
