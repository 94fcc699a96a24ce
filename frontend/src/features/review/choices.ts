import type { Opinion, ReviewItem } from "@/api/page-types";
import type { Category } from "@/api/types";

/** One thing that the image could be: who said so, and how sure the model is of it. */
export interface Choice {
  readonly category: Category;
  readonly opinions: readonly Opinion[];
  readonly probability: number | null;
}

const MOST = 9;

/** What people said comes first, by how many said it; what only the model says comes after. */
export function choicesOf(item: ReviewItem, byId: ReadonlyMap<number, Category>): Choice[] {
  const said = new Map<number, Opinion[]>();
  for (const opinion of item.opinions) {
    if (opinion.category !== null) said.set(opinion.category, [...(said.get(opinion.category) ?? []), opinion]);
  }
  const chance = new Map(item.suggestions.map(({ category, probability }) => [category, probability]));
  const people = [...said].sort(([, a], [, b]) => b.length - a.length);
  const model = item.suggestions.filter(({ category }) => !said.has(category));
  return [...people, ...model.map(({ category }) => [category, []] as const)]
    .flatMap(([id, opinions]) => {
      const category = byId.get(id);
      return category ? [{ category, opinions, probability: chance.get(id) ?? null }] : [];
    })
    .slice(0, MOST);
}
