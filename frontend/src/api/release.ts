import { request, withQuery } from "./client";
import type { Share } from "./insights";
import type { Page } from "./types";

export interface Snapshot {
  readonly id: number;
  readonly name: string;
  readonly digest: string;
  readonly taxonomy_revision: number;
  readonly item_count: number;
  readonly created_at: string;
}

export interface ReportLine {
  readonly key: number | null;
  readonly name: string;
  readonly items: number;
  readonly accuracy: Share;
}

/** A certificate as it was frozen with the release; `now` is what has become of it. */
export interface FrozenCertificate {
  readonly id: number;
  readonly promise: string;
  readonly here: string | null;
  readonly bound: number | null;
  readonly labels: number | null;
  readonly audited: number | null;
  readonly wrong: number | null;
  readonly head: string;
  readonly assumes: readonly string[];
  readonly now: string;
}

export interface ReleaseReport {
  readonly project: string;
  readonly snapshot: Snapshot;
  readonly made_at: string;
  readonly splits: Readonly<Record<string, number>>;
  readonly total: ReportLine;
  readonly categories: readonly ReportLine[];
  readonly evidence: readonly ReportLine[];
  readonly annotators: readonly ReportLine[];
  readonly head: {
    readonly name: string;
    readonly encoder: string;
    readonly labels: number;
    readonly accuracy: Share;
  } | null;
  readonly certificates: readonly FrozenCertificate[];
  readonly assumes: readonly string[];
  readonly method: readonly string[];
}

const at = (project: number): string => `/projects/${project}/snapshots`;

export const releases = {
  list: (project: number, signal: AbortSignal) => request<Page<Snapshot>>("GET", at(project), { signal }),
  freeze: (project: number, name: string) => request<Snapshot>("POST", at(project), { body: { name } }),
  report: (project: number, snapshot: number, names: boolean, signal: AbortSignal) =>
    request<ReleaseReport>("GET", withQuery(`${at(project)}/${snapshot}/report`, { names }), { signal }),
  documentUrl: (project: number, snapshot: number, names: boolean) =>
    `/api/v1${withQuery(`${at(project)}/${snapshot}/report.pdf`, { names })}`,
};
