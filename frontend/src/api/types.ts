/** The words of the REST API, version 1. */

import type { Judgement } from "@/core/entry";

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface User {
  readonly id: number;
  readonly username: string;
  readonly first_name: string;
  readonly is_staff: boolean;
  /** Command id to keys; read it with `keymapRead`. */
  readonly keymap: Readonly<Record<string, unknown>>;
}

export interface Session {
  readonly user: User;
}

export type Role = "owner" | "reviewer" | "annotator" | "viewer";

export interface ApiToken {
  readonly id: number;
  readonly name: string;
  readonly prefix: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
  readonly token?: string;
}

export interface Member {
  readonly user: { readonly id: number; readonly username: string };
  readonly role: Role;
}

export interface EncoderName {
  readonly name: string;
  readonly is_demo: boolean;
}

export interface ProjectCard {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly role: Role;
  readonly created_at: string;
  readonly counts: { readonly images: number; readonly labeled: number };
  readonly mosaic: readonly string[];
  readonly encoder: EncoderName | null;
  readonly needs: string;
}

export interface Project {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly concept: string;
  readonly templates: readonly string[];
  readonly role: Role;
  readonly acquisition_function: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly blind_share: number;
  readonly overlap: number;
  readonly taxonomy_revision: number;
  readonly encoder: (EncoderName & { readonly has_text: boolean }) | null;
  readonly created_at: string;
}

export interface AcquisitionFunction {
  readonly name: string;
  readonly goal: string;
  readonly description: string;
}

export interface Interval {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number;
}

export interface OverviewCategory {
  readonly id: number;
  readonly name: string;
  readonly path: string;
  readonly hue: number;
  readonly predicted: number;
  readonly confirmed: number;
  readonly accuracy: Interval | null;
  readonly mosaic: readonly string[];
}

export interface Counts {
  readonly images: number;
  readonly processing: number;
  readonly rejected: number;
  readonly embedded: number;
  readonly predicted: number;
  readonly labeled: number;
  readonly skipped: number;
  readonly flagged: number;
  readonly disputed: number;
  readonly need_eyes: number;
  readonly blind_drawn: number;
  readonly blind_answered: number;
}

export interface AccuracyPoint {
  readonly at: string;
  readonly n_labels: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface Overview {
  readonly counts: Counts;
  /** `needed`: blind answers still to come before there is a value. */
  readonly accuracy: Interval & { readonly needed: number; readonly level: number };
  readonly accuracy_history: readonly AccuracyPoint[];
  readonly jobs: readonly Job[];
  readonly workers: Readonly<Record<"default" | "ml" | "interactive", boolean>>;
  readonly unlabeled_leased: number;
  readonly next: readonly { readonly text: string; readonly href: string }[];
  readonly revoked: readonly Revoked[];
  readonly encoder: EncoderName | null;
  readonly categories: readonly OverviewCategory[];
}

/** A certificate that audits broke and whose labels still stand; `text` says why. */
export interface Revoked {
  readonly id: number;
  readonly error: number;
  readonly at: string;
  readonly text: string;
}

export interface CategoryDescription {
  readonly id?: number;
  readonly kind: string;
  readonly text: string;
}

/** Means over the project's own categories, each left out and written from its words. */
export interface WordsFigures {
  readonly recall: number;
  readonly precision: number;
  readonly f1: number;
  readonly low: number;
  readonly high: number;
  readonly classes: number;
}

export type WordsMethod = "icis" | "text2model" | "prompt";

export interface FromWords {
  readonly method: WordsMethod;
  readonly measured: WordsFigures | null;
  readonly examples: number;
  readonly words_share: number;
}

export interface PulledImage {
  readonly id: number;
  readonly name: string;
  readonly thumb: string;
  readonly display: string;
  readonly probability: number;
}

export interface TriedMethod {
  readonly method: WordsMethod;
  readonly taken: number;
  readonly measured: WordsFigures | null;
  readonly top: readonly PulledImage[];
  readonly border: readonly PulledImage[];
}

export interface TriedWords {
  readonly best: string;
  readonly notes: readonly string[];
  readonly methods: readonly TriedMethod[];
}

export interface Category {
  readonly id: number;
  readonly name: string;
  readonly parent: number | null;
  readonly path: string;
  readonly depth: number;
  readonly hue: number;
  readonly position: number;
  readonly synonyms: readonly string[];
  readonly definition: string;
  readonly overlap: number | null;
  readonly descriptions: readonly CategoryDescription[];
  readonly deprecated: boolean;
  readonly counts: { readonly confirmed: number; readonly predicted: number };
  /** Null where a head has learned the category from images. */
  readonly from_words: FromWords | null;
}

export interface CategoryList {
  readonly revision: number;
  readonly items: readonly Category[];
}

export interface BulkResult {
  readonly created: readonly string[];
  readonly existing: readonly string[];
  readonly problems: readonly { readonly line: number; readonly message: string }[];
  readonly revision: number;
}

export interface ImportBatch {
  readonly id: number;
  readonly source: string;
  readonly name: string;
  readonly received: number;
  readonly added: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly created_at: string;
  readonly job: Job | null;
}

export interface FileResult {
  readonly name: string;
  readonly status: "stored" | "duplicate" | "rejected";
  readonly image_id: number | null;
  readonly reason: string;
  readonly message: string;
}

export interface ImportIssue {
  readonly file_name: string;
  readonly reason: string;
  readonly message: string;
}

export interface Consensus {
  readonly category: number | null;
  readonly state: string;
  readonly evidence: string | null;
  readonly blind: boolean;
}

export interface ImagePrediction {
  readonly category: number;
  readonly probability: number;
  readonly margin: number;
  readonly entropy: number;
}

export interface ImageItem {
  readonly id: number;
  readonly name: string;
  readonly width: number | null;
  readonly height: number | null;
  readonly thumb: string;
  readonly display: string;
  readonly duplicates: number;
  readonly consensus: Consensus | null;
  readonly prediction: ImagePrediction | null;
  readonly similarity?: number;
}

export interface Suggestion {
  readonly category: number;
  readonly probability: number;
}

export interface HistoryEvent {
  readonly id: string;
  readonly sequence: number;
  readonly kind: "label" | "skip" | "flag" | "undo";
  readonly category: number | null;
  readonly annotator: string | null;
  readonly comment: string;
  readonly evidence: string;
  readonly duration_ms: number | null;
  readonly created_at: string;
  readonly undone: boolean;
}

export interface ImageDetail extends ImageItem {
  readonly original_name: string;
  readonly byte_size: number;
  readonly format: string;
  readonly sha256: string;
  readonly created_at: string;
  readonly suggestions: readonly Suggestion[];
  readonly history: readonly HistoryEvent[];
}

export interface FacetCount {
  readonly id: number;
  readonly count: number;
}

export interface Facets {
  readonly categories: readonly FacetCount[];
  readonly predicted: readonly FacetCount[];
  readonly state: Readonly<Record<string, number>>;
  readonly evidence: Readonly<Record<string, number>>;
  readonly annotators: readonly (FacetCount & { readonly username?: string })[];
  readonly total: number;
}

export interface LeasedItem {
  readonly item: number;
  readonly token: string;
  readonly lease_until: string;
  readonly blind: boolean;
  readonly reason: string;
  readonly image: Pick<ImageItem, "id" | "name" | "width" | "height" | "thumb" | "display">;
  readonly suggestions: readonly Suggestion[];
  readonly exemplars: readonly {
    readonly category: number;
    readonly images: readonly { readonly id: number; readonly thumb: string }[];
  }[];
}

export interface Lease {
  readonly items: readonly LeasedItem[];
  readonly empty: "no_images" | "processing" | "all_labeled" | "leased_by_others" | null;
  readonly remaining: number;
}

export interface AnnotationBody {
  readonly image: number;
  readonly kind: "label" | "skip" | "flag" | "undo";
  readonly category?: number;
  readonly undoes?: string;
  readonly token?: string;
  readonly blind?: boolean;
  /** With `review`, a reviewer decides what others disagree about. */
  readonly evidence_details?: NonNullable<Judgement["evidence_details"]> & { readonly review?: boolean };
  readonly comment?: string;
  readonly duration_ms?: number;
  readonly client_at?: string;
}

export type JobState = "queued" | "running" | "done" | "failed" | "errored" | "cancelled";

export interface JobLogLine {
  readonly at: string;
  readonly level: string;
  readonly message: string;
}

export interface Job {
  readonly id: number;
  readonly project: number;
  readonly kind: string;
  readonly title: string;
  readonly state: JobState;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly rate: number | null;
  readonly seconds_left: number | null;
  readonly message: string;
  readonly error: string;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly can_cancel: boolean;
  readonly can_retry: boolean;
  readonly log?: readonly JobLogLine[];
}

export type ExportFormat = "jsonl" | "csv" | "imagefolder" | "parquet" | "labelstudio";

export interface Export {
  readonly id: number;
  readonly options: { readonly certified?: boolean };
  readonly format: ExportFormat;
  readonly item_count: number;
  readonly state: JobState;
  readonly job: number | null;
  readonly done: number;
  readonly error: string;
  readonly file_name: string;
  readonly byte_size: number;
  readonly digest: string;
  readonly created_at: string;
  readonly download: string | null;
}

export interface Encoder extends EncoderName {
  readonly dim: number;
  readonly has_text: boolean;
  readonly available: boolean;
  readonly note: string;
}
