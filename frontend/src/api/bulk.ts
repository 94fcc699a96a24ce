import { categories } from "./endpoints";

export interface BulkAnswer {
  readonly created: readonly string[];
  readonly existing: readonly string[];
  readonly problems: readonly string[];
}

/** Adds a pasted list of names, or only says what would happen. */
export async function bulkNames(project: number, text: string, dryRun: boolean): Promise<BulkAnswer> {
  const { created, existing, problems } = await categories.bulk(project, text, dryRun);
  return { created, existing, problems: problems.map(({ line, message }) => `Line ${line}: ${message}`) };
}
