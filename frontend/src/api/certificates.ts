import { request } from "./client";
import type { Page } from "./types";

export type CertificateState =
  | "planning"
  | "auditing"
  | "proved"
  | "unproved"
  | "accepted"
  | "revoked"
  | "undone"
  | "withdrawn";

/** Of which labels so many may be wrong: those of the lot that nobody looked at, or all labels of the release. */
export type Scope = "lot" | "release";

/** Of one category, or of small ones pooled under `node` (null: those that have no parent). */
export interface CategoryVerdict {
  readonly node: number | null;
  readonly bound: number;
  readonly categories: readonly number[];
  readonly size: number;
  readonly audited: number;
  readonly errors: number;
  readonly certified: boolean;
  readonly reason: string;
}

/** Empty while nothing is planned or judged; then what the server wrote down. */
export interface LotPlan {
  readonly region?: number;
  readonly pool?: number;
  readonly drawn?: number;
  /** Labels of the release, where the promise is about all of them. */
  readonly among?: number;
  /** The number of audits with which people press least in all, pages for the rest included; presses an image. */
  readonly cheapest?: { readonly audits: number; readonly size: number; readonly presses: number };
  /** So many of the surest by pages, before the rest is audited: where all labels count, that may be less work. */
  readonly pages_first?: { readonly looked: number; readonly audits: number; readonly presses: number };
  readonly sizes?: readonly number[];
  readonly audits_needed?: readonly number[];
}

export interface Verdict {
  readonly size?: number;
  readonly threshold?: number;
  readonly audited?: number;
  readonly errors?: number;
  readonly bound?: number;
  readonly answered?: number;
  readonly open?: number;
  readonly missing?: number;
  readonly later?: LaterAudits;
  readonly categories?: readonly CategoryVerdict[];
}

/** Audits drawn after the lot was accepted: between `low` and `high` are wrong, true at every look together. */
export interface LaterAudits {
  readonly drawn: number;
  readonly answered: number;
  readonly wrong: number;
  readonly low: number;
  readonly high: number;
}

export interface Happened {
  readonly at: string;
  readonly state: CertificateState;
  readonly text: string;
}

export interface Certificate {
  readonly id: number;
  readonly state: CertificateState;
  readonly error: number;
  readonly level: number;
  readonly audits: number;
  readonly scope: Scope;
  readonly head: string;
  readonly plan: LotPlan;
  readonly verdict: Verdict;
  readonly history: readonly Happened[];
  readonly card: { readonly promise: string; readonly method: string; readonly assumes: readonly string[] };
  readonly created_at: string;
}

const get = <R>(path: string, signal?: AbortSignal) => request<R>("GET", path, signal === undefined ? {} : { signal });
const post = <R>(path: string, body: unknown = {}) => request<R>("POST", path, { body });
const at = (project: number, id: number): string => `/projects/${project}/certificates/${id}`;

export const certificates = {
  list: (project: number, signal?: AbortSignal) => get<Page<Certificate>>(`/projects/${project}/certificates`, signal),
  ask: (project: number, error: number, audits: number, scope: Scope) =>
    post<Certificate>(`/projects/${project}/certificates`, { error, audits, scope }),
  accept: (project: number, id: number) => post<{ labels: number }>(`${at(project, id)}/accept`),
  undo: (project: number, id: number) => post<{ labels: number }>(`${at(project, id)}/undo`),
  auditMore: (project: number, id: number, count: number) =>
    post<{ drawn: number }>(`${at(project, id)}/audits`, { count }),
  withdraw: (project: number, id: number) => request<Certificate>("DELETE", at(project, id), {}),
};
