import { type MapData, mapRead } from "@/core/map";
import { BASE, errorOf, request } from "./client";
import type { Job } from "./types";

export type MapMethod = "umap" | "tsne" | "pca";

export interface MapState {
  readonly drawn: {
    readonly method: MapMethod;
    readonly seed: number;
    readonly images: number;
    readonly encoder: string;
    readonly current: boolean;
    readonly created_at: string;
  } | null;
  readonly images: number;
  readonly job: Job | null;
}

export const maps = {
  read: (project: number, signal?: AbortSignal) =>
    request<MapState>("GET", `/projects/${project}/map`, signal === undefined ? {} : { signal }),
  draw: (project: number, method: MapMethod) => request<Job>("POST", `/projects/${project}/map`, { body: { method } }),
  points: async (project: number, signal: AbortSignal): Promise<MapData> => {
    const answer = await fetch(`${BASE}/projects/${project}/map/points`, { signal, credentials: "same-origin" });
    if (!answer.ok) throw errorOf(answer.status, await answer.text());
    return mapRead(await answer.arrayBuffer());
  },
};
