/** How much more a goal takes, in words: labels, minutes, and what is not known. */

import { count, plural } from "./format";

export interface Goal {
  readonly accuracy: number;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface Worth {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly labels: number;
}

/** Another hour that adds no more than this, as sure as nineteen times of twenty, is better spent elsewhere. */
export const WORTH_IT = 0.01;

export function minutesText(minutes: number): string {
  if (minutes < 1) return "under a minute";
  if (minutes < 90) return `${Math.round(minutes)} min`;
  const hours = minutes / 60;
  return hours < 20 ? `${hours.toFixed(1)} h` : `${count(Math.round(hours))} h`;
}

/** What is missing to a goal beyond the labels there are. */
export function missing(goal: Goal, labels: number): string {
  if (goal.value === null) return "not with this model alone";
  const more = (value: number): number => Math.max(0, Math.ceil(value - labels));
  if (more(goal.value) === 0) return "reached";
  const high = goal.high === null ? "perhaps never" : count(more(goal.high));
  return `${plural(more(goal.value), "more label")} (${count(more(goal.low ?? labels))} to ${high})`;
}

export function minutesTo(goal: Goal, labels: number, seconds: number | null): string {
  if (goal.value === null || seconds === null) return "–";
  const more = Math.max(0, Math.ceil(goal.value - labels));
  return more === 0 ? "–" : minutesText((more * seconds) / 60);
}

/** Whether to go on, and what the next stretch of work brings. */
export function verdict(gain: Worth): { readonly stop: boolean; readonly text: string } {
  const next = `The next ${plural(gain.labels, "label")}`;
  if (gain.high < WORTH_IT) {
    return {
      stop: true,
      text: `${next} would add at most ${(gain.high * 100).toFixed(1)} points of accuracy. You can stop here.`,
    };
  }
  const points = (value: number): string => (value * 100).toFixed(1);
  return {
    stop: false,
    text: `${next} add about ${points(gain.value)} points of accuracy (${points(gain.low)} to ${points(gain.high)}).`,
  };
}

interface Bought {
  readonly gain: Worth | null;
  readonly n: number;
}

/** Categories by what the next hour adds to the whole project if all of it goes there; unknown ones apart. */
export function bestBuys<T extends Bought>(
  categories: readonly T[],
): { readonly known: readonly (T & { readonly points: number })[]; readonly unknown: readonly T[] } {
  const all = Math.max(
    1,
    categories.reduce((sum, one) => sum + one.n, 0),
  );
  const known = categories
    .flatMap((one) => (one.gain === null ? [] : [{ ...one, points: (one.gain.value * one.n) / all }]))
    .sort((one, other) => other.points - one.points);
  return { known, unknown: categories.filter(({ gain }) => gain === null) };
}
