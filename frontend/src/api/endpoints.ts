import { type Query, request, upload, withQuery } from "./client";
import type * as P from "./page-types";
import type * as T from "./types";

const get = <R>(path: string, signal?: AbortSignal) => request<R>("GET", path, signal === undefined ? {} : { signal });
const post = <R>(path: string, body: unknown = {}) => request<R>("POST", path, { body });
const patch = <R>(path: string, body: unknown) => request<R>("PATCH", path, { body });
const remove = (path: string, body?: unknown) => request<void>("DELETE", path, body === undefined ? {} : { body });

export const session = {
  read: () => request<T.Session>("GET", "/session", { quiet: true }),
  start: (username: string, password: string) =>
    request<T.Session>("POST", "/session", { body: { username, password }, quiet: true }),
  end: () => remove("/session"),
  update: (changes: Partial<Pick<T.User, "keymap" | "first_name">>) => patch<unknown>("/me", changes),
};

export const tokens = {
  list: (signal?: AbortSignal) => get<T.Page<T.ApiToken>>("/tokens", signal),
  create: (name: string, lifetime_days?: number) => post<T.ApiToken>("/tokens", { name, lifetime_days }),
  revoke: (id: number) => remove(`/tokens/${id}`),
};

export const projects = {
  list: (signal?: AbortSignal) => get<T.Page<T.ProjectCard>>("/projects?limit=200", signal),
  create: (project: { name: string; description?: string }) => post<T.Project>("/projects", project),
  read: (id: number, signal?: AbortSignal) => get<T.Project>(`/projects/${id}`, signal),
  overview: (id: number, signal?: AbortSignal) => get<T.Overview>(`/projects/${id}/overview`, signal),
  change: (id: number, changes: unknown) => patch<T.Project>(`/projects/${id}`, changes),
  remove: (id: number, confirm_name: string) => remove(`/projects/${id}`, { confirm_name }),
};

export const runs = {
  functions: (project: number, signal?: AbortSignal) =>
    get<readonly T.AcquisitionFunction[]>(`/projects/${project}/acquisition/functions`, signal),
  predict: (project: number) => post<T.Job>(`/projects/${project}/predictions`),
  acquire: (project: number) => post<T.Job>(`/projects/${project}/acquisition`),
};

export const encoders = {
  list: (signal?: AbortSignal) => get<T.Page<T.Encoder>>("/encoders", signal),
  choose: (project: number, name: string) => post<T.Job>(`/projects/${project}/encoder`, { name }),
};

export const members = {
  list: (project: number, signal?: AbortSignal) => get<T.Page<T.Member>>(`/projects/${project}/members`, signal),
  add: (project: number, username: string, role: T.Role) =>
    post<T.Member>(`/projects/${project}/members`, { username, role }),
  change: (project: number, user: number, role: T.Role) =>
    patch<T.Member>(`/projects/${project}/members/${user}`, { role }),
  remove: (project: number, user: number) => remove(`/projects/${project}/members/${user}`),
};

export const categories = {
  list: (project: number, signal?: AbortSignal) => get<T.CategoryList>(`/projects/${project}/categories`, signal),
  create: (
    project: number,
    category: { name: string; parent?: number; descriptions?: readonly T.CategoryDescription[] },
  ) => post<T.Category>(`/projects/${project}/categories`, category),
  bulk: (project: number, text: string, dry_run: boolean) =>
    post<T.BulkResult>(`/projects/${project}/categories/bulk`, { text, dry_run }),
  change: (
    project: number,
    id: number,
    changes: Partial<
      Pick<T.Category, "name" | "synonyms" | "definition" | "descriptions" | "parent" | "position" | "overlap">
    >,
  ) => patch<T.Category>(`/projects/${project}/categories/${id}`, changes),
  deprecate: (project: number, id: number) => remove(`/projects/${project}/categories/${id}`),
  restore: (project: number, id: number) => post<unknown>(`/projects/${project}/categories/${id}/restore`),
  attempt: (project: number, name: string, text: string, signal: AbortSignal) =>
    request<T.TriedWords>("POST", `/projects/${project}/words`, { body: { name, text }, signal }),
  preview: (project: number, id: number, text: string, signal?: AbortSignal) =>
    get<T.Page<T.ImageItem>>(withQuery(`/projects/${project}/categories/${id}/preview`, { text }), signal),
};

export const imports = {
  start: (project: number, name: string, folders_as_categories: boolean) =>
    post<T.ImportBatch>(`/projects/${project}/imports`, { source: "browser", name, folders_as_categories }),
  files: (project: number, batch: number, form: FormData, onBytes: (sent: number) => void) =>
    upload<{ results: readonly T.FileResult[] }>(`/projects/${project}/imports/${batch}/files`, form, onBytes),
  archive: (project: number, batch: number, form: FormData, onBytes: (sent: number) => void) =>
    upload<unknown>(`/projects/${project}/imports/${batch}/archive`, form, onBytes),
  finish: (project: number, batch: number) => post<T.ImportBatch>(`/projects/${project}/imports/${batch}/finish`),
  read: (project: number, batch: number) => get<T.ImportBatch>(`/projects/${project}/imports/${batch}`),
  issues: (project: number, batch: number, signal?: AbortSignal) =>
    get<T.Page<T.ImportIssue>>(`/projects/${project}/imports/${batch}/issues?limit=200`, signal),
};

export const images = {
  list: (project: number, query: Query, signal?: AbortSignal) =>
    get<T.Page<T.ImageItem>>(withQuery(`/projects/${project}/images`, query), signal),
  facets: (project: number, query: Query, signal?: AbortSignal) =>
    get<T.Facets>(withQuery(`/projects/${project}/images/facets`, query), signal),
  read: (project: number, image: number, signal?: AbortSignal) =>
    get<T.ImageDetail>(`/projects/${project}/images/${image}`, signal),
  similar: (project: number, query: Query, signal?: AbortSignal) =>
    get<T.Page<T.ImageItem>>(withQuery(`/projects/${project}/similar`, query), signal),
  originalUrl: (project: number, image: number) => `/api/v1/projects/${project}/images/${image}/original`,
};

export const queue = {
  lease: (project: number, count: number, holding: readonly string[]) =>
    post<T.Lease>(`/projects/${project}/queue/lease`, { count, holding }),
  renew: (project: number, tokens: readonly string[]) => post<unknown>(`/projects/${project}/queue/renew`, { tokens }),
  /** Survives the closing tab. */
  release: (project: number, tokens: readonly string[]) =>
    request<unknown>("POST", `/projects/${project}/queue/release`, { body: { tokens }, keepalive: true, quiet: true }),
};

export const pages = {
  lease: (project: number, ask: P.PagesAsk) => post<P.PagesLease>(`/projects/${project}/pages/lease`, ask),
  renew: (project: number, ids: readonly string[]) =>
    post<P.Renewed>(`/projects/${project}/pages/renew`, { pages: ids }),
  /** Survives the closing tab. */
  release: (project: number, ids: readonly string[]) =>
    request<unknown>("POST", `/projects/${project}/pages/release`, {
      body: { pages: ids },
      keepalive: true,
      quiet: true,
    }),
  teaching: (project: number, signal?: AbortSignal) => get<P.Teaching>(`/projects/${project}/teaching`, signal),
  commitPath: (project: number, page: string, commit: string) => `/projects/${project}/pages/${page}/commits/${commit}`,
  undoPath: (project: number, commit: string) => `/projects/${project}/pages/commits/${commit}/undo`,
};

export const review = {
  list: (project: number, cursor: string | null, signal?: AbortSignal) =>
    get<T.Page<P.ReviewItem>>(withQuery(`/projects/${project}/review`, { cursor }), signal),
};

export const gold = {
  mark: (project: number, images: readonly number[]) => post<P.Gold>(`/projects/${project}/gold`, { images }),
  unmark: (project: number, images: readonly number[]) =>
    request<P.Gold>("DELETE", `/projects/${project}/gold`, { body: { images } }),
};

export const annotationPath = (project: number, id: string): string => `/projects/${project}/annotations/${id}`;

export const jobs = {
  list: (project: number, live: boolean, signal?: AbortSignal) =>
    get<T.Page<T.Job>>(withQuery(`/projects/${project}/jobs`, live ? { live: true } : { limit: 30 }), signal),
  read: (id: number, signal?: AbortSignal) => get<T.Job>(`/jobs/${id}`, signal),
  cancel: (id: number) => post<T.Job>(`/jobs/${id}/cancel`),
  retry: (id: number) => post<T.Job>(`/jobs/${id}/retry`),
};

export const exports = {
  list: (project: number, signal?: AbortSignal) => get<T.Page<T.Export>>(`/projects/${project}/exports`, signal),
  start: (project: number, format: T.ExportFormat, certified: boolean) =>
    post<T.Export>(`/projects/${project}/exports`, { format, options: certified ? { certified } : {} }),
};
