import { expect, it } from "vitest";
import type { Opinion, ReviewItem } from "@/api/page-types";
import type { Category } from "@/api/types";
import { choicesOf } from "./choices";

const category = (id: number): Category => ({ id, name: `c${id}` }) as Category;
const byId = new Map([1, 2, 3].map((id) => [id, category(id)]));
const opinion = (category: number | null): Opinion => ({
  annotation: `a${category}`,
  annotator: null,
  kind: "label",
  category,
  evidence: "page",
  comment: "",
  created_at: "2026-01-01T00:00:00Z",
});

it("puts what most people said first, and what only the model says last", () => {
  const item = {
    opinions: [opinion(2), opinion(1), opinion(1), opinion(null)],
    suggestions: [
      { category: 3, probability: 0.5 },
      { category: 1, probability: 0.3 },
      { category: 99, probability: 0.1 },
    ],
  } as unknown as ReviewItem;
  expect(
    choicesOf(item, byId).map(({ category, opinions, probability }) => [category.id, opinions.length, probability]),
  ).toEqual([
    [1, 2, 0.3],
    [2, 1, null],
    [3, 0, 0.5],
  ]);
});
