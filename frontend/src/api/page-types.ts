/** The words of labelling by pages: what is leased, what is said about it, what comes back. */
import type { ImageItem, Lease, LeasedItem, Suggestion } from "./types";

export interface Exemplar {
  readonly id: number;
  readonly thumb: string;
  readonly display: string;
}

export interface PageTile {
  readonly image: LeasedItem["image"];
  readonly suggestions: readonly Suggestion[];
  /** Near-duplicates that are folded into this tile and share its answer. */
  readonly duplicates: number;
}

export interface LabelingPage {
  readonly id: string;
  readonly lease_until: string;
  readonly category: number;
  readonly definition: string;
  /** A plain sentence: why these images, now. */
  readonly reason: string;
  readonly expected_precision: number;
  readonly exemplars: readonly Exemplar[];
  readonly tiles: readonly PageTile[];
}

/** A page, or a single image between two pages: the one that is meant is there, the other is null. */
export interface PagesEntry {
  readonly kind: "page" | "one";
  readonly page: LabelingPage | null;
  readonly item: LeasedItem | null;
}

export interface PagesAsk {
  readonly count: number;
  /** Tiles that fit on this screen without scrolling. */
  readonly tiles_max: number;
  readonly holding: readonly string[];
  readonly category?: number;
}

export interface Teaching {
  readonly version: number;
  readonly at: string | null;
  /** How many corrections caused it, and how many images have another first suggestion since. */
  readonly corrections: number;
  readonly changed: number;
  readonly running: boolean;
  readonly duration_ms: number;
}

export interface Renewed {
  /** Those that are still this person's. */
  readonly pages: readonly string[];
}

export interface PagesLease {
  readonly entries: readonly PagesEntry[];
  readonly empty: Lease["empty"] | "category_done";
  readonly remaining: number;
  readonly teaching: Teaching;
}

export interface PageCommit {
  readonly tiles: readonly {
    readonly image: number;
    readonly verdict: "confirm" | "strike" | "label" | "skip" | "flag";
    readonly category?: number;
  }[];
  readonly duration_ms: number;
  readonly client_at: string;
  readonly input?: "keyboard" | "mouse" | "touch";
}

export interface Attention {
  readonly planted: number;
  readonly caught: number;
  readonly missed: readonly { readonly image: Exemplar; readonly category: number }[];
  readonly page_size: { readonly before: number; readonly after: number };
  readonly sent_to_review: number;
}

export interface CommitAnswer {
  /** Images that are labelled by it, near-duplicates included. */
  readonly labels: number;
  readonly struck: number;
  /** null where no tile of the page was known to be wrong. */
  readonly attention: Attention | null;
  readonly undoable: boolean;
}

export interface Opinion {
  readonly annotation: string;
  readonly annotator: { readonly id: number; readonly username: string } | null;
  readonly kind: "label" | "skip" | "flag" | "undo";
  readonly category: number | null;
  readonly evidence: string;
  readonly comment: string;
  readonly created_at: string;
}

export interface ReviewItem {
  readonly image: ImageItem;
  readonly reason: "disagreement" | "attention" | "sent" | "label_error";
  readonly opinions: readonly Opinion[];
  readonly suggestions: readonly Suggestion[];
}

export interface Gold {
  /** Gold images of the whole project. */
  readonly gold: number;
}
