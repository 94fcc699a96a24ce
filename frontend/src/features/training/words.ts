import type { RunOutcome, TrainingRun } from "@/api/training";

export const OUTCOMES: Readonly<Record<RunOutcome, string>> = {
  pending: "under way",
  promoted: "went live",
  candidate: "candidate",
  refused: "refused",
  stopped: "stopped",
  delivered: "ready",
};

export const TRIGGERS: Readonly<Record<TrainingRun["trigger"], string>> = {
  labels: "enough new labels",
  schedule: "on schedule",
  drift: "the blind share drifted",
  manual: "by hand",
};

/** A difference of shares in points, with its sign. */
export const points = (share: number): string => `${share < 0 ? "−" : "+"}${Math.abs(share * 100).toFixed(1)}`;

export function liveIs(live: number | string): string {
  if (typeof live === "number") return `head ${live}`;
  return live === "names" ? "the names alone" : "always the most frequent category";
}
