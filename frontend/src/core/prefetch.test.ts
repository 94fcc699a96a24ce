import { expect, it, vi } from "vitest";
import { Prefetcher } from "./prefetch";

it("loads each image once and has it ready when its turn comes", async () => {
  const load = vi.fn(async (url: string) => `decoded ${url}`);
  const prefetcher = new Prefetcher(load);
  prefetcher.want(["/1", "/2"]);
  prefetcher.want(["/2", "/3"]);
  await prefetcher.get("/3");
  expect(load.mock.calls.map(([url]) => url)).toEqual(["/1", "/2", "/3"]);
  expect(prefetcher.ready("/2")).toBe("decoded /2");
});

it("lets go of what was wanted longest ago", async () => {
  const prefetcher = new Prefetcher(async (url: string) => url, 2);
  prefetcher.want(["/1", "/2"]);
  await prefetcher.get("/2");
  prefetcher.want(["/3", "/4"]);
  expect(prefetcher.ready("/1")).toBeUndefined();
});

it("tries an image again that did not come the first time", async () => {
  const load = vi.fn().mockRejectedValueOnce(new Error("offline")).mockResolvedValue("decoded");
  const prefetcher = new Prefetcher<string>(load);
  await expect(prefetcher.get("/1")).rejects.toThrow("offline");
  await expect(prefetcher.get("/1")).resolves.toBe("decoded");
});
