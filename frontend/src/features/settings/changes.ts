import type { Project } from "@/api/types";

/** The settings of a project as they stand in the form: text as it is typed. */
export interface Draft {
  readonly name: string;
  readonly description: string;
  readonly concept: string;
  readonly templates: string;
  readonly acquisition: string;
  readonly blindPercent: string;
  readonly overlap: string;
  readonly opinions: string;
  readonly knownPercent: string;
  readonly tiles: string;
}

export interface Changes {
  name?: string;
  description?: string;
  concept?: string;
  templates?: readonly string[];
  acquisition_function?: string;
  blind_share?: number;
  overlap?: number;
  options?: Options;
}

interface Options {
  opinions_max?: number;
  attention_share?: number;
  page_size_max?: number;
}

/** What the server does where a project says nothing. */
const KNOWN_SHARE = 0.05;
const TILES_MOST = 48;

export const draftOf = (project: Project): Draft => ({
  name: project.name,
  description: project.description,
  concept: project.concept,
  templates: project.templates.join("\n"),
  acquisition: project.acquisition_function,
  blindPercent: String(Math.round(project.blind_share * 1000) / 10),
  overlap: String(project.overlap),
  opinions: String(Math.max(Number(project.options.opinions_max ?? 0), project.overlap)),
  knownPercent: String(Math.round(Number(project.options.attention_share ?? KNOWN_SHARE) * 1000) / 10),
  tiles: String(project.options.page_size_max ?? TILES_MOST),
});

const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

/** What is wrong with the draft, by field; empty when it can be saved. */
export function problemsIn(draft: Draft): Partial<Record<keyof Draft, string>> {
  const problems: Partial<Record<keyof Draft, string>> = {};
  if (draft.name.trim() === "") problems.name = "A project needs a name.";
  if (lines(draft.templates).some((line) => line.split("{}").length !== 2))
    problems.templates = "Each line needs {} exactly once, where the category's name goes.";
  const blind = Number(draft.blindPercent);
  if (draft.blindPercent.trim() === "" || !(blind >= 0 && blind <= 50)) problems.blindPercent = "From 0 to 50 %.";
  const overlap = Number(draft.overlap);
  if (!Number.isInteger(overlap) || overlap < 1 || overlap > 20) problems.overlap = "From 1 to 20 people.";
  const opinions = Number(draft.opinions);
  if (!Number.isInteger(opinions) || opinions < 1 || opinions > 20) problems.opinions = "From 1 to 20 people.";
  const known = Number(draft.knownPercent);
  if (draft.knownPercent.trim() === "" || !(known >= 0 && known <= 20)) problems.knownPercent = "From 0 to 20 %.";
  const tiles = Number(draft.tiles);
  if (!Number.isInteger(tiles) || tiles < 6 || tiles > 200) problems.tiles = "From 6 to 200 tiles.";
  return problems;
}

/** Only what differs from the project as it is. */
export function changesBetween(project: Project, draft: Draft): Changes {
  const before = draftOf(project);
  const changes: Changes = {};
  if (draft.name !== before.name) changes.name = draft.name.trim();
  if (draft.description !== before.description) changes.description = draft.description;
  if (draft.concept !== before.concept) changes.concept = draft.concept.trim();
  if (draft.templates !== before.templates) changes.templates = lines(draft.templates);
  if (draft.acquisition !== before.acquisition) changes.acquisition_function = draft.acquisition;
  if (draft.blindPercent !== before.blindPercent) changes.blind_share = Number(draft.blindPercent) / 100;
  if (draft.overlap !== before.overlap) changes.overlap = Number(draft.overlap);
  const options: Options = {};
  if (draft.opinions !== before.opinions) options.opinions_max = Number(draft.opinions);
  if (draft.knownPercent !== before.knownPercent) options.attention_share = Number(draft.knownPercent) / 100;
  if (draft.tiles !== before.tiles) options.page_size_max = Number(draft.tiles);
  if (Object.keys(options).length > 0) changes.options = options;
  return changes;
}
