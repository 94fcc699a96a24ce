import type { Annotator, Grade } from "@/api/insights";
import { count, percent, plural } from "@/core/format";

/** How labels came to be, as people read it. */
export const GRADES: Readonly<Record<Grade, string>> = {
  blind: "blind",
  suggestion: "suggestion taken",
  free: "without a suggestion",
  page: "on a page",
  propagated: "from a near-duplicate",
  accepted: "accepted unseen",
  migrated: "moved with its category",
  imported: "imported",
  review: "in review",
};

/** Why somebody is thought to take whatever is suggested, in figures. */
export function signsOf(person: Annotator): string[] {
  const { misled, followed } = person.anchoring;
  const told = {
    follows: `${count(followed)} of ${plural(misled, "wrong suggestion")} taken.`,
    misses: `${count(person.planted - person.caught)} of ${plural(person.planted, "known-wrong tile")} left standing.`,
    takes: `${percent(person.taken / Math.max(person.offered, 1), 0)} of ${plural(person.offered, "first suggestion")} taken: more than the model gets right.`,
  };
  return person.signs.map((sign) => told[sign]);
}

export const pace = (ms: number): string =>
  ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
