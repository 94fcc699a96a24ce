/** Letters that no command of a page has. The first tiles, which are the most doubtful, carry one each. */
export const TILE_LETTERS: readonly string[] = [..."ABCDEHIJKLMNOPQRTVWY"];

export const letterOf = (at: number): string | undefined => TILE_LETTERS[at];

/** The tile that carries a letter, or -1. */
export const tileOf = (letter: string, tiles: number): number => {
  const at = TILE_LETTERS.indexOf(letter.toUpperCase());
  return at < tiles ? at : -1;
};
