import { type Query, request, withQuery } from "./client";
import type { Category, Job, Page } from "./types";

/** What the server says of training runs and heads. */

export interface Interval3 {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export type RunOutcome = "pending" | "promoted" | "candidate" | "refused" | "stopped" | "delivered";
export type RunMethod = "head" | "adapter" | "self_training" | "student";

export interface TrainingRun {
  readonly id: number;
  readonly trigger: "labels" | "schedule" | "drift" | "manual";
  readonly method: RunMethod;
  readonly outcome: RunOutcome;
  readonly reason: string;
  readonly seed: number;
  readonly labels: number;
  readonly snapshot: string | null;
  readonly head: number | null;
  readonly live_head: number | null;
  readonly cost: Readonly<Record<string, number>>;
  readonly job: Job | null;
  readonly created_by: string | null;
  readonly created_at: string;
  readonly finished_at: string | null;
}

export interface ModelFigures {
  readonly accuracy: Interval3;
  readonly macro_f1: number;
  readonly calibration_error: number;
  readonly reliability: {
    readonly count: readonly number[];
    readonly confidence: readonly (number | null)[];
    readonly accuracy: readonly (number | null)[];
  };
  readonly classes: readonly {
    readonly class: number;
    readonly count: number;
    readonly recall: Interval3;
    readonly precision: number | null;
    readonly f1: number;
  }[];
  /** [true category, said category, images] */
  readonly confusion: readonly (readonly [number, number, number])[];
}

export interface RunReport {
  readonly images: number;
  readonly better: number;
  readonly worse: number;
  readonly difference: Interval3 | null;
  readonly gain: Interval3 | null;
  readonly live: ModelFigures | null;
  readonly candidate: ModelFigures | null;
  readonly live_is: number | string;
  readonly changed: number;
  readonly space: {
    readonly distances: { readonly intra: number; readonly inter: number; readonly ratio: number } | null;
    readonly episodes: {
      readonly ways: number;
      readonly shots: number;
      readonly count: number;
      readonly accuracy: Interval3;
    } | null;
  };
  /** What a plain refit of the head on the same labels says of the same images, where the run did more than that. */
  readonly refit?: {
    readonly better: number;
    readonly worse: number;
    readonly difference: Interval3 | null;
    readonly figures: ModelFigures | null;
  };
  readonly self_training?: {
    readonly pseudo_labels: readonly unknown[];
    readonly rejected: readonly unknown[];
    readonly rolled_back: boolean;
  };
  readonly student?: {
    readonly teacher: number;
    readonly images: number;
    readonly size_bytes: number;
    readonly largest_difference: number;
    readonly milliseconds_per_image: number;
    readonly agreement: number;
    readonly judged: number;
  };
}

export interface RunDetail extends TrainingRun {
  readonly points: readonly { readonly name: string; readonly step: number; readonly value: number }[];
  readonly report: RunReport | null;
}

export interface AskedItem {
  readonly image: number;
  readonly thumb: string;
  readonly truth: number;
  readonly live: number | null;
  readonly live_probability: number;
  readonly candidate: number;
  readonly candidate_probability: number;
}

export interface Readiness {
  readonly can_run: boolean;
  readonly can_help: boolean;
  readonly reason: string;
  readonly advice: readonly string[];
  readonly labels: number;
  readonly fresh: number;
  readonly categories: number;
  readonly blind: number;
  readonly needed: number;
  readonly seconds: number;
  readonly memory_mb: number;
}

export interface Training {
  readonly options: { readonly every: number; readonly method: RunMethod; readonly promote: boolean };
  readonly readiness: Readiness;
  readonly live: TrainingRun | null;
}

export interface HeadVersion {
  readonly id: number;
  readonly kind: string;
  readonly state: "candidate" | "live" | "retired" | "refused";
  readonly parent_head: number | null;
  readonly run: number | null;
  readonly encoder: string;
  readonly categories: number;
  readonly digest: string;
  readonly metrics: { readonly accuracy?: Interval3; readonly images?: number };
  readonly created_at: string;
}

export interface Heads extends Page<HeadVersion> {
  readonly live: number | null;
  readonly serving: number | null;
  readonly back_to: string | null;
  readonly promotions: readonly {
    readonly id: number;
    readonly head: number | null;
    readonly encoder: string;
    readonly undoes: number | null;
    readonly reason: string;
    readonly by: string | null;
    readonly created_at: string;
  }[];
}

export type NameOf = (category: number | null) => string;

export const namesOf =
  (byId: ReadonlyMap<number, Category>): NameOf =>
  (category) =>
    category === null ? "nothing" : (byId.get(category)?.name ?? `category ${category}`);

const get = <R>(path: string, signal?: AbortSignal) => request<R>("GET", path, signal === undefined ? {} : { signal });
const post = <R>(path: string, body: unknown = {}) => request<R>("POST", path, { body });

export const training = {
  read: (project: number, signal?: AbortSignal) => get<Training>(`/projects/${project}/training`, signal),
  change: (project: number, changes: Partial<Training["options"]>) =>
    request<Training["options"]>("PATCH", `/projects/${project}/training`, { body: changes }),
  runs: (project: number, signal?: AbortSignal) => get<Page<TrainingRun>>(`/projects/${project}/runs`, signal),
  start: (project: number, method: RunMethod) => post<TrainingRun>(`/projects/${project}/runs`, { method }),
  ask: (project: number, method: RunMethod) => post<Readiness>(`/projects/${project}/runs`, { method, dry_run: true }),
  run: (project: number, run: number, signal?: AbortSignal) =>
    get<RunDetail>(`/projects/${project}/runs/${run}`, signal),
  items: (project: number, run: number, query: Query, signal?: AbortSignal) =>
    get<Page<AskedItem>>(withQuery(`/projects/${project}/runs/${run}/items`, query), signal),
  heads: (project: number, signal?: AbortSignal) => get<Heads>(`/projects/${project}/heads`, signal),
  promote: (project: number, head: number) => post<HeadVersion>(`/projects/${project}/heads/${head}/promote`),
  refuse: (project: number, head: number) => post<HeadVersion>(`/projects/${project}/heads/${head}/refuse`),
  back: (project: number) => post<unknown>(`/projects/${project}/rollback`),
};
