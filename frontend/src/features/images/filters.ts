import type { Query } from "@/api/client";

/** What the address says about the images on screen; every part of it can be sent to a colleague. */
export const FILTERS = [
  "category",
  "predicted",
  "state",
  "evidence",
  "annotator",
  "blind",
  "margin_max",
  "batch",
  "gold",
  "changed",
  "search",
  "order",
] as const;
export type Filter = (typeof FILTERS)[number];

export interface View {
  readonly filters: Readonly<Partial<Record<Filter, string>>>;
  /** Search by meaning and by likeness leave the filters aside. */
  readonly text: string;
  readonly like: number | null;
  readonly open: number | null;
}

export function viewRead(query: Readonly<Record<string, string | undefined>>): View {
  const filters = Object.fromEntries(FILTERS.flatMap((name) => (query[name] ? [[name, query[name]]] : [])));
  const number = (text: string | undefined): number | null => (text && /^\d+$/.test(text) ? Number(text) : null);
  return { filters, text: query.text ?? "", like: number(query.like), open: number(query.view) };
}

export function viewQuery(view: View): Query {
  return { ...view.filters, text: view.text, like: view.like, view: view.open };
}

export const isSearch = (view: View): boolean => view.text !== "" || view.like !== null;
