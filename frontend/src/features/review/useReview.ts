import { review } from "@/api/endpoints";
import type { ReviewItem } from "@/api/page-types";
import { type CaseOf, type DecisionDesk, useDecisions } from "@/ui/decisions";

export type Case = CaseOf<ReviewItem>;
export type ReviewDesk = DecisionDesk<ReviewItem>;

/** The images about which people, or people and measurements, disagree. */
export const useReview = (project: number) =>
  useDecisions<ReviewItem>(project, "review", (cursor) => review.list(project, cursor));
