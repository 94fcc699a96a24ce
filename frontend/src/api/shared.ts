import { useMemo } from "preact/hooks";
import { categories, projects } from "./endpoints";
import { useResource } from "./resource";
import type { Category } from "./types";

/** What several pages read of a project. */
export const useProject = (project: number) =>
  useResource(`project/${project}`, (signal) => projects.read(project, signal), ["taxonomy"]);

export const useOverview = (project: number) =>
  useResource(`overview/${project}`, (signal) => projects.overview(project, signal), [
    "jobs",
    "images",
    "predictions",
    "annotations",
    "taxonomy",
    "certificates",
  ]);

export interface Taxonomy {
  readonly revision: number;
  readonly all: readonly Category[];
  /** Those that may be given to an image now. */
  readonly active: readonly Category[];
  readonly byId: ReadonlyMap<number, Category>;
  readonly loaded: boolean;
  readonly error: Error | null;
  readonly reload: () => void;
}

export function useTaxonomy(project: number): Taxonomy {
  const resource = useResource(`categories/${project}`, (signal) => categories.list(project, signal), [
    "taxonomy",
    "predictions",
  ]);
  const { data, error } = resource;
  const derived = useMemo(() => {
    const all = data?.items ?? [];
    return {
      revision: data?.revision ?? 0,
      all,
      active: all.filter((category) => !category.deprecated),
      byId: new Map(all.map((category) => [category.id, category])),
      loaded: data !== undefined,
    };
  }, [data]);
  return { ...derived, error, reload: resource.reload };
}
