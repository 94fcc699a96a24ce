import { request, withQuery } from "./client";
import type { ImageItem, Job, Page, Suggestion } from "./types";

export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** A share that is told only once enough is known. */
export interface Share {
  readonly value: number | null;
  readonly low: number;
  readonly high: number;
  readonly n: number;
  readonly needed: number;
}

/** How old a measurement is, and the job that is making it anew. */
export interface Reading {
  readonly at: string | null;
  readonly since: number;
  readonly job: { readonly id: number; readonly done: number; readonly total: number } | null;
}

export type Grade =
  | "blind"
  | "suggestion"
  | "free"
  | "page"
  | "propagated"
  | "accepted"
  | "migrated"
  | "imported"
  | "review";

export interface Annotator {
  readonly id: number;
  readonly username: string;
  readonly labels: number;
  readonly agreement: Share;
  readonly blind_error: Share;
  readonly anchoring: {
    readonly misled: number;
    readonly followed: number;
    readonly unseen: number;
    readonly unseen_same: number;
    readonly pull: Interval | null;
  };
  readonly offered: number;
  readonly taken: number;
  readonly planted: number;
  readonly caught: number;
  readonly led: boolean;
  readonly signs: readonly ("follows" | "misses" | "takes")[];
  readonly speeds: readonly { readonly evidence: Grade; readonly labels: number; readonly median_ms: number }[];
  readonly categories: readonly (Share & { readonly category: number })[];
}

export interface Pair {
  readonly first: number | null;
  readonly second: number | null;
  readonly images: number;
  readonly agreed: number;
  readonly kappa: Interval | null;
}

export interface Agreement extends Reading {
  readonly images: number;
  readonly votes: number;
  readonly alpha: Interval | null;
  readonly fleiss: (Interval & { readonly people: number; readonly images: number }) | null;
  readonly undecided: number | null;
  readonly pairs: readonly Pair[];
  readonly confused: readonly { readonly first: number; readonly second: number; readonly images: number }[];
}

export type Doubt = "error" | "duplicate" | "outlier";

/** A confirmed label that is doubted, with what the model saw. */
export interface Suspect {
  readonly image: ImageItem;
  readonly doubt: Doubt;
  readonly given: number;
  readonly instead: number | null;
  readonly suspicion: number;
  readonly suggestions: readonly Suggestion[];
  readonly like: readonly {
    readonly id: number;
    readonly thumb: string;
    readonly category: number;
    readonly similarity: number | null;
  }[];
  readonly evidence: Grade;
  readonly annotator: { readonly id: number; readonly username: string } | null;
}

export interface LabelErrors extends Reading, Page<Suspect> {
  readonly labels: number;
  readonly judged: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly ambiguous: readonly {
    readonly first: number;
    readonly second: number;
    readonly first_as_second: number;
    readonly second_as_first: number;
  }[];
}

export interface Cost {
  /** Labels that stand now. */
  readonly labels: number;
  readonly minutes: number;
  readonly seconds: number | null;
}

export interface Costs {
  readonly grades: readonly (Cost & { readonly evidence: Grade })[];
  readonly total: Cost;
  readonly teaching: Cost;
}

export interface Target {
  readonly accuracy: number;
  /** Labels in all; null: probably never. */
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly chance: number;
}

export interface Curve {
  readonly labels: number;
  readonly n: number;
  readonly points: readonly (Interval & { readonly labels: number })[];
  readonly now: Interval | null;
  readonly gain: (Interval & { readonly labels: number }) | null;
  readonly targets: readonly Target[];
}

export interface HowMuchMore extends Reading {
  readonly curve: Curve | null;
  readonly categories: readonly (Curve & { readonly category: number })[];
}

const get = <R>(path: string, signal?: AbortSignal) => request<R>("GET", path, signal === undefined ? {} : { signal });
const post = <R>(path: string) => request<R>("POST", path, { body: {} });

export const insights = {
  annotators: (project: number, signal?: AbortSignal) =>
    get<{ readonly items: readonly Annotator[] }>(`/projects/${project}/annotators`, signal),
  agreement: (project: number, signal?: AbortSignal) => get<Agreement>(`/projects/${project}/agreement`, signal),
  labelErrors: (project: number, doubt: Doubt, cursor: string | null, limit: number, signal?: AbortSignal) =>
    get<LabelErrors>(withQuery(`/projects/${project}/label-errors`, { doubt, cursor, limit }), signal),
  findErrors: (project: number) => post<Job>(`/projects/${project}/label-errors`),
  costs: (project: number, signal?: AbortSignal) => get<Costs>(`/projects/${project}/cost`, signal),
  howMuchMore: (project: number, signal?: AbortSignal) =>
    get<HowMuchMore>(`/projects/${project}/learning-curve`, signal),
  fitCurve: (project: number) => post<Job>(`/projects/${project}/learning-curve`),
  measure: (project: number) => post<Job>(`/projects/${project}/agreement`),
};
