import type { Leased } from "./queue";
import type { TileVerdict } from "./sheet";

export interface Suggested {
  readonly category: number;
  readonly probability: number;
}

/** What the desk needs to know of a single leased image. */
export interface DeskItem {
  readonly token: string;
  readonly blind: boolean;
  readonly suggestions: readonly Suggested[];
  readonly image: { readonly id: number; readonly display: string };
}

/** What the desk needs to know of a leased page. */
export interface DeskPage {
  readonly id: string;
  readonly category: number;
  readonly tiles: readonly { readonly image: { readonly id: number }; readonly suggestions: readonly Suggested[] }[];
}

export interface OneEntry<I> extends Leased {
  readonly kind: "one";
  readonly item: I;
}

export interface PageEntry<P> extends Leased {
  readonly kind: "page";
  readonly page: P;
}

/** The desk takes single images and pages in one flow, in the order in which the server deals them. */
export type Entry<I, P> = OneEntry<I> | PageEntry<P>;

export const oneEntry = <I extends DeskItem>(item: I): OneEntry<I> => ({
  kind: "one",
  key: `image ${item.image.id}`,
  item,
});

export const pageEntry = <P extends DeskPage>(page: P): PageEntry<P> => ({
  kind: "page",
  key: `page ${page.id}`,
  page,
});

const BLOCK = 20;
const LOW_WATER = 8;

/** Single images come in blocks: twenty when eight are left. */
export const wantOnes = (ahead: readonly unknown[]): number => (ahead.length > LOW_WATER ? 0 : BLOCK);

const PAGES = 3;

/** One page on screen and two behind it; single images between them buy time as well. */
export function wantPages(ahead: readonly { readonly kind: "one" | "page" }[]): number {
  const pages = ahead.filter(({ kind }) => kind === "page").length;
  return ahead.length - pages > LOW_WATER ? 0 : Math.max(PAGES - pages, 0);
}

export type Input = "digit" | "type" | "mouse" | "same";
export type PageInput = "keyboard" | "mouse" | "touch";

/** One event as the server takes it; its UUID is made by the recorder. */
export interface Judgement {
  readonly image: number;
  readonly kind: "label" | "skip" | "flag" | "undo";
  readonly category?: number;
  readonly undoes?: string;
  readonly token?: string;
  readonly blind?: boolean;
  readonly comment?: string;
  readonly duration_ms?: number;
  readonly evidence_details?: {
    readonly suggested?: number;
    /** What stood first among the suggestions, taken or not. */
    readonly first?: number;
    readonly probability?: number;
    readonly rank?: number;
    readonly input?: Input;
  };
}

/** A whole page as the server takes it. */
export interface PageAnswer {
  readonly tiles: readonly TileVerdict[];
  readonly duration_ms: number;
  readonly input: PageInput;
}

/** Takes what a person did out of the desk's hands; each act gets its UUID at once. */
export interface Recorder {
  readonly annotate: (judgement: Judgement) => string;
  readonly commit: (page: string, answer: PageAnswer) => string;
  readonly takeBack: (commit: string) => void;
}
