/** Type-ahead over names, synonyms and parents. Higher is better; null is no match. */

export interface Searchable {
  readonly name: string;
  readonly synonyms: readonly string[];
  readonly path: string;
}

const folded = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** 100 exact, 80 start of the text, 60 start of a word, 40 inside, up to 25 letters in order, else null. */
export function fuzzyScore(typed: string, text: string): number | null {
  const needle = folded(typed).trim();
  const hay = folded(text);
  if (needle === "") return 0;
  if (hay === needle) return 100;
  if (hay.startsWith(needle)) return 80 - Math.min(hay.length - needle.length, 15);
  const words = hay.split(/[\s\-_/›,]+/);
  if (words.some((word) => word.startsWith(needle))) return 60 - Math.min(hay.length - needle.length, 15);
  if (hay.includes(needle)) return 40 - Math.min(hay.length - needle.length, 10);
  if (startsEveryWord(needle, words)) return 50;
  return lettersInOrder(needle, hay);
}

/** "rin lon" finds "ringed longhorn". */
function startsEveryWord(needle: string, words: readonly string[]): boolean {
  const parts = needle.split(/\s+/);
  return parts.length > 1 && parts.every((part) => words.some((word) => word.startsWith(part)));
}

function lettersInOrder(needle: string, hay: string): number | null {
  const letters = needle.replace(/\s+/g, "");
  if (letters.length < 2) return null;
  let at = hay.indexOf(letters.charAt(0));
  const from = at;
  for (const letter of letters.slice(1)) {
    if (at < 0) return null;
    at = hay.indexOf(letter, at + 1);
  }
  if (at < 0) return null;
  const spread = at - from + 1 - letters.length;
  return spread > letters.length * 2 ? null : Math.max(25 - spread * 2, 1);
}

/** The best matches first; a name beats a synonym, a synonym beats a parent. */
export function fuzzySearch<T extends Searchable>(typed: string, items: readonly T[], limit = 12): T[] {
  if (typed.trim() === "") return items.slice(0, limit);
  const scored = items.flatMap((item, order) => {
    const scores = [
      fuzzyScore(typed, item.name),
      ...item.synonyms.map((synonym) => less(fuzzyScore(typed, synonym), 3)),
      less(fuzzyScore(typed, item.path), 20),
    ].filter((score): score is number => score !== null && score > 0);
    return scores.length > 0 ? [{ item, order, score: Math.max(...scores) }] : [];
  });
  scored.sort((a, b) => b.score - a.score || a.order - b.order);
  return scored.slice(0, limit).map(({ item }) => item);
}

const less = (score: number | null, by: number): number | null => (score === null ? null : score - by);
