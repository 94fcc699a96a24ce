import { count, plural } from "./format";

/** What the server measured on one page: tiles that were known to be wrong, and how many of them were struck. */
export interface Measured {
  readonly planted: number;
  readonly caught: number;
  readonly page_size: { readonly before: number; readonly after: number };
  readonly sent_to_review: number;
}

/** Said after a page, plainly and without blame. */
export function attentionSays(measured: Measured): string {
  const { planted, caught } = measured;
  if (planted === 0) return "";
  if (caught === planted) {
    return planted === 1
      ? "The hidden wrong tile was caught."
      : `All ${count(planted)} hidden wrong tiles were caught.`;
  }
  if (caught === 0)
    return planted === 1 ? "One hidden wrong tile slipped by." : `${count(planted)} hidden wrong tiles slipped by.`;
  return `${count(caught)} of ${count(planted)} hidden wrong tiles caught.`;
}

/** What follows from it, where anything does. */
export function attentionMeans({ page_size: { before, after }, sent_to_review }: Measured): string {
  const parts: string[] = [];
  if (after < before) parts.push(`Pages have ${count(after)} tiles for now, so that each gets a look.`);
  if (after > before) parts.push(`Pages grow to ${count(after)} tiles.`);
  if (sent_to_review > 0) parts.push(`${plural(sent_to_review, "earlier label")} will get a second look.`);
  return parts.join(" ");
}

/** How many of a page's images should be what it says, in words that need no statistics. */
export function expectationSays(precision: number, tiles: number): string {
  const right = Math.min(Math.round(precision * tiles), tiles);
  if (tiles === 1) return precision >= 0.5 ? "Probably right." : "Probably wrong.";
  if (right === tiles) return `All ${count(tiles)} are probably right.`;
  return `About ${count(right)} of these ${count(tiles)} should be right.`;
}

export function teachingSays(corrections: number, changed: number, mine: boolean): string {
  const what = mine ? `Your ${plural(corrections, "correction")}` : plural(corrections, "correction");
  return `${what} changed ${plural(changed, "suggestion")}`;
}

/** The server's reason as a sentence, whatever its first and last letters are. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1) + (/[.!?]$/.test(trimmed) ? "" : ".");
}
