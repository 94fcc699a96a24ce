import { expect, it, vi } from "vitest";
import { Uploader } from "./upload";

const file = (path: string, size = 10) => ({ path, file: new File([new Uint8Array(size)], path) });

it("sends in small groups and knows what became of each file", async () => {
  const send = vi.fn(async (files: readonly { path: string }[]) =>
    files.map(({ path }) =>
      path.endsWith(".tif")
        ? { status: "rejected" as const, message: "TIFF is not accepted." }
        : { status: "stored" as const },
    ),
  );
  const uploader = new Uploader({ send, groupFiles: 2, lanes: 1 });
  await uploader.add([file("a.jpg"), file("b.tif"), file("c.jpg")]);
  expect(send.mock.calls.map(([files]) => files.length)).toEqual([2, 1]);
  expect(uploader.uploads.map(({ path, status }) => [path, status])).toEqual([
    ["a.jpg", "stored"],
    ["b.tif", "rejected"],
    ["c.jpg", "stored"],
  ]);
  expect(uploader.bytes).toEqual({ sent: 30, total: 30 });
});

it("tries a group again when the network failed", async () => {
  const send = vi
    .fn()
    .mockRejectedValueOnce(new Error("offline"))
    .mockResolvedValue([{ status: "stored" }]);
  const uploader = new Uploader({ send, wait: async () => undefined });
  await uploader.add([file("a.jpg")]);
  expect(uploader.count("stored")).toBe(1);
});

it("does not repeat what the server refused", async () => {
  const send = vi.fn().mockRejectedValue(new Error("You may not add images."));
  const uploader = new Uploader({ send, worthRetrying: () => false });
  await uploader.add([file("a.jpg")]);
  expect(send).toHaveBeenCalledTimes(1);
  expect(uploader.uploads[0]?.message).toBe("You may not add images.");
});

it("sends an archive in a request of its own", async () => {
  const send = vi.fn(async (files: readonly { path: string }[]) => files.map(() => ({ status: "stored" as const })));
  const uploader = new Uploader({ send, lanes: 1, alone: (path) => path.endsWith(".zip") });
  await uploader.add([file("a.jpg"), file("b.zip"), file("c.jpg")]);
  expect(send.mock.calls.map(([files]) => files.map(({ path }) => path))).toEqual([["a.jpg"], ["b.zip"], ["c.jpg"]]);
});

it("offers again what got no answer", async () => {
  const send = vi
    .fn()
    .mockRejectedValueOnce(new Error("too large"))
    .mockResolvedValue([{ status: "stored" }]);
  const uploader = new Uploader({ send, worthRetrying: () => false });
  await uploader.add([file("a.jpg")]);
  await uploader.add(uploader.takeFailed());
  expect(uploader.uploads.map(({ status }) => status)).toEqual(["stored"]);
});
