import { describe, expect, it } from "vitest";
import { belongsToField, keymapRead, keyNormalize, keyOf, keyShown } from "./keymap";

const event = (key: string, held: Partial<Record<"ctrlKey" | "metaKey" | "altKey" | "shiftKey", boolean>> = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
});

describe("key names", () => {
  it("spells a combination one way, whoever writes it", () => {
    expect(keyOf(event("z", { ctrlKey: true, shiftKey: true }))).toBe("Ctrl+Shift+Z");
    expect(keyNormalize("shift+ctrl+z")).toBe("Ctrl+Shift+Z");
  });

  it("counts the command key of a Mac as Ctrl", () => {
    expect(keyOf(event("k", { metaKey: true }))).toBe("Ctrl+K");
  });

  it("does not ask for Shift where the sign already needs it", () => {
    expect(keyOf(event("?", { shiftKey: true }))).toBe("?");
    expect(keyOf(event("ArrowLeft", { shiftKey: true }))).toBe("Shift+ArrowLeft");
  });

  it("prints arrows as arrows", () => {
    expect(keyShown("ArrowUp")).toBe("↑");
    expect(keyShown("Ctrl+Z")).toBe("Ctrl Z");
  });
});

describe("text fields", () => {
  it("keep their letters and their own undo", () => {
    const field = { tagName: "TEXTAREA" };
    expect(belongsToField(event("u"), field)).toBe(true);
    expect(belongsToField(event("z", { ctrlKey: true }), field)).toBe(true);
    expect(belongsToField(event("Escape"), field)).toBe(false);
    expect(belongsToField(event("u"), { tagName: "INPUT", type: "checkbox" })).toBe(false);
  });
});

it("reads only lists of keys from what was stored", () => {
  expect(keymapRead({ skip: ["S"], flag: "F", undo: [], zoom: [3, "Z"] })).toEqual({ skip: ["S"], zoom: ["Z"] });
});
