import type { FromWords, WordsFigures, WordsMethod } from "@/api/types";
import { plural } from "@/core/format";
import "./words-mark.css";

export const METHOD_NAMES: Readonly<Record<WordsMethod, string>> = {
  prompt: "Prompt",
  icis: "ICIS",
  text2model: "Text2Model",
};

/** How far a method can be trusted here, in a sentence that anyone can read. */
export function reliability(figures: WordsFigures | null): string {
  if (figures === null) return "How reliable that is here is not yet known.";
  const { recall, precision, classes } = figures;
  return `Finds ${inTen(recall)} of its images, and ${inTen(precision)} of those it takes are right: measured on ${plural(classes, "category", "categories")} of this project, each left out in turn.`;
}

const inTen = (share: number): string => `${Math.round(share * 10)} in 10`;

/** Says that a category was never learned from images, or only from a few. */
export function WordsMark({ from }: { from: FromWords }) {
  const { method, examples, words_share: share, measured } = from;
  const source =
    examples === 0 ? "from words alone" : `words ${Math.round(share * 100)} %, ${plural(examples, "image")}`;
  const figures = measured ? ` · finds ${inTen(measured.recall)}` : "";
  return (
    <span class="words-mark" title={reliability(measured)}>
      {source} · {METHOD_NAMES[method]}
      {figures}
    </span>
  );
}
