/** What a person has said about the tiles of one page so far. Nothing said means: it is what the page says it is. */

export type Exception =
  | { readonly kind: "strike" }
  | { readonly kind: "label"; readonly category: number }
  | { readonly kind: "skip" }
  | { readonly kind: "flag" };

export interface Sheet {
  readonly page: string;
  readonly category: number;
  /** Image ids in the order of the tiles. */
  readonly images: readonly number[];
  readonly focus: number;
  readonly exceptions: ReadonlyMap<number, Exception>;
}

export interface TileVerdict {
  readonly image: number;
  readonly verdict: "confirm" | Exception["kind"];
  readonly category?: number;
}

export interface Tally {
  readonly confirmed: number;
  readonly struck: number;
  readonly relabeled: number;
  readonly skipped: number;
  readonly flagged: number;
}

/** What was said on a page that was left unfinished; it counts again where the same image comes back in question. */
export interface Draft {
  readonly category: number;
  readonly exceptions: readonly (readonly [number, Exception])[];
}

export function sheetOpen(
  page: {
    readonly id: string;
    readonly category: number;
    readonly tiles: readonly { readonly image: { readonly id: number } }[];
  },
  draft: Draft | null = null,
): Sheet {
  const images = page.tiles.map(({ image }) => image.id);
  const kept = draft?.category === page.category ? draft.exceptions.filter(([image]) => images.includes(image)) : [];
  return { page: page.id, category: page.category, images, focus: 0, exceptions: new Map(kept) };
}

export const sheetDraft = (sheet: Sheet): Draft => ({
  category: sheet.category,
  exceptions: [...sheet.exceptions],
});

export function sheetFocus(sheet: Sheet, at: number): Sheet {
  const focus = Math.min(Math.max(at, 0), sheet.images.length - 1);
  return focus === sheet.focus ? sheet : { ...sheet, focus };
}

/** Says it, or takes it back when it was said already. */
export function sheetToggle(sheet: Sheet, at: number, kind: "strike" | "skip" | "flag"): Sheet {
  const image = sheet.images[at];
  if (image === undefined) return sheet;
  const said = sheet.exceptions.get(image);
  const back = said?.kind === kind || (kind === "strike" && said?.kind === "label");
  return { ...changed(sheet, [[image, back ? null : { kind }]]), focus: at };
}

/** Strikes all tiles from one to the other, as a drawn line does; none of them is taken back by it. */
export function sheetStrikeRange(sheet: Sheet, from: number, to: number): Sheet {
  const range = sheet.images.slice(Math.min(from, to), Math.max(from, to) + 1);
  const struck = range.map((image) => [image, sheet.exceptions.get(image) ?? { kind: "strike" }] as const);
  return { ...changed(sheet, struck), focus: to };
}

/** Gives one tile a category of its own; the page's own category puts it back among those that are right. */
export function sheetGive(sheet: Sheet, at: number, category: number): Sheet {
  const image = sheet.images[at];
  if (image === undefined) return sheet;
  return changed(sheet, [[image, category === sheet.category ? null : { kind: "label", category }]]);
}

export function sheetTally(sheet: Sheet): Tally {
  const of = (kind: Exception["kind"]): number =>
    [...sheet.exceptions.values()].filter((exception) => exception.kind === kind).length;
  return {
    confirmed: sheet.images.length - sheet.exceptions.size,
    struck: of("strike"),
    relabeled: of("label"),
    skipped: of("skip"),
    flagged: of("flag"),
  };
}

/** One verdict for every tile, as it is sent. */
export function sheetVerdicts(sheet: Sheet): TileVerdict[] {
  return sheet.images.map((image) => {
    const said = sheet.exceptions.get(image);
    if (said === undefined) return { image, verdict: "confirm" };
    return said.kind === "label" ? { image, verdict: "label", category: said.category } : { image, verdict: said.kind };
  });
}

function changed(sheet: Sheet, changes: readonly (readonly [number, Exception | null])[]): Sheet {
  const exceptions = new Map(sheet.exceptions);
  for (const [image, exception] of changes) {
    if (exception === null) exceptions.delete(image);
    else exceptions.set(image, exception);
  }
  return { ...sheet, exceptions };
}
