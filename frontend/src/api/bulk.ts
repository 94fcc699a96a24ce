import { categories } from "./endpoints";

export interface BulkAnswer {
  readonly created: readonly string[];
  readonly existing: readonly string[];
  readonly problems: readonly string[];
}

/** Adds a pasted list of names, or only says what would happen. */
export async function bulkNames(project: number, text: string, dryRun: boolean): Promise<BulkAnswer> {
  const result = await categories.bulk(project, text, dryRun);
  return {
    created: result.created.map(nameOf),
    existing: result.existing.map(nameOf),
    problems: result.problems.map((problem) => (typeof problem === "string" ? problem : problem.message)),
  };
}

const nameOf = (entry: string | { readonly name: string }): string => (typeof entry === "string" ? entry : entry.name);
