/** One spelling for every key combination: modifiers in a fixed order, then the key, as in `Ctrl+Shift+Z`. */

export interface KeyLike {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

const NAMES: Readonly<Record<string, string>> = { " ": "Space", Esc: "Escape", Spacebar: "Space" };
const SHOWN: Readonly<Record<string, string>> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  Escape: "Esc",
  Enter: "⏎",
};
const MODIFIERS = ["Ctrl", "Alt", "Shift"];

/** Command on a Mac counts as Ctrl. Shift is named for letters and named keys only: `?` is already Shift+/. */
export function keyOf(event: KeyLike): string {
  const name = NAMES[event.key] ?? event.key;
  const letter = /^\p{L}$/u.test(name);
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey && (letter || name.length > 1)) parts.push("Shift");
  return [...parts, letter ? name.toUpperCase() : name].join("+");
}

/** Brings `ctrl+shift+z`, `Shift+Ctrl+Z` and `Ctrl+Shift+Z` to one spelling. */
export function keyNormalize(text: string): string {
  const parts = text === "+" ? ["+"] : text.split("+").map((part) => part.trim());
  const last = parts.pop() || "+";
  const held = MODIFIERS.filter((modifier) => parts.some((part) => part.toLowerCase() === modifier.toLowerCase()));
  return [...held, /^\p{L}$/u.test(last) ? last.toUpperCase() : last].join("+");
}

/** The key as it is printed on a button. */
export function keyShown(key: string): string {
  const parts = key === "+" ? ["+"] : key.split("+");
  return parts.map((part) => SHOWN[part] ?? part).join(" ");
}

/** A person's own keys as the server keeps them; what is not a list of keys does not count. */
export function keymapRead(stored: Readonly<Record<string, unknown>>): Record<string, string[]> {
  const lists = Object.entries(stored).flatMap(([id, keys]) => {
    const texts = Array.isArray(keys) ? keys.filter((key): key is string => typeof key === "string" && key !== "") : [];
    return texts.length > 0 ? [[id, texts] as const] : [];
  });
  return Object.fromEntries(lists);
}

/** A key typed into a text field belongs to the field, unless it is Escape or held with Ctrl or Alt. */
export function belongsToField(event: KeyLike, target: unknown): boolean {
  if (event.key === "Escape") return false;
  const element = target as { tagName?: string; isContentEditable?: boolean; type?: string } | null;
  const tag = element?.tagName?.toUpperCase() ?? "";
  const choice = tag === "INPUT" && ["checkbox", "radio", "button", "submit", "file"].includes(element?.type ?? "");
  const text = (tag === "INPUT" && !choice) || tag === "TEXTAREA" || tag === "SELECT" || !!element?.isContentEditable;
  if (!text) return false;
  const editing = ["z", "y", "a", "c", "v", "x"].includes(event.key.toLowerCase());
  return !(event.ctrlKey || event.metaKey || event.altKey) || editing;
}

/** Enter and Space on a focused button or link press that button; they are not ours to take. */
export function pressesControl(event: KeyLike, target: unknown): boolean {
  if (event.key !== "Enter" && event.key !== " ") return false;
  const element = target as { tagName?: string; getAttribute?: (name: string) => string | null } | null;
  const tag = element?.tagName?.toUpperCase() ?? "";
  return ["BUTTON", "A", "SUMMARY", "INPUT"].includes(tag) || element?.getAttribute?.("role") === "button";
}
