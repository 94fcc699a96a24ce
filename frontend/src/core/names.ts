/** Reads a pasted list of category names as the server does, for the preview while typing. */

export interface NameLine {
  readonly name: string;
  readonly depth: number;
  readonly synonyms: readonly string[];
  readonly definition: string;
}

/** One name a line, indentation makes children, `name | synonym, synonym | definition`. Empty lines do not count. */
export function namesRead(text: string): NameLine[] {
  const indents: number[] = [];
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const indent = line.replace(/\t/g, "    ").search(/\S/);
      while (indents.length > 0 && (indents.at(-1) ?? 0) >= indent) indents.pop();
      const depth = indents.length;
      indents.push(indent);
      const [name = "", synonyms = "", definition = ""] = line.split("|").map((part) => part.trim());
      const known = synonyms.split(",").map((synonym) => synonym.trim());
      return { name, depth, synonyms: known.filter((synonym) => synonym !== ""), definition };
    });
}
