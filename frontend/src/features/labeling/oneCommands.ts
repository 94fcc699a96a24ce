import type { Category, LeasedItem } from "@/api/types";
import type { Command } from "@/core/commands";
import type { Input } from "@/core/entry";
import type { LabelingDesk } from "./useDesk";

export const RECENT_KEYS = ["Q", "W", "E", "R", "T"] as const;

export type Mode = "look" | "type" | "comment";

interface OneActs {
  desk: LabelingDesk;
  item: LeasedItem;
  byId: ReadonlyMap<number, Category>;
  give: (category: number, input: Input) => void;
  setMode: (mode: Mode) => void;
  setZoomed: (zoomed: boolean) => void;
}

export function oneCommands({ desk, item, byId, give, setMode, setZoomed }: OneActs): Command[] {
  const parent = parentOfFirst(item, byId);
  const last = desk.recent[0];
  return [
    ...[0, 1, 2, 3, 4].map((at) => ({
      id: `label.suggestion${at + 1}`,
      title: `Take suggestion ${at + 1}`,
      category: "Give a category",
      keys: at === 0 ? ["1", "Enter"] : [String(at + 1)],
      when: () => item.suggestions[at] !== undefined,
      run: () => give(item.suggestions[at]?.category ?? 0, "digit"),
    })),
    {
      id: "label.type",
      title: "Type any category",
      category: "Give a category",
      keys: ["/"],
      run: () => setMode("type"),
    },
    {
      id: "label.same",
      title: "Same as the last one",
      category: "Give a category",
      keys: ["="],
      when: () => last !== undefined,
      run: () => last !== undefined && give(last, "same"),
    },
    {
      id: "label.parent",
      title: "Label at the parent of the first suggestion",
      category: "Give a category",
      keys: ["ArrowUp"],
      when: () => parent !== undefined,
      run: () => parent && give(parent.id, "digit"),
    },
    ...RECENT_KEYS.map((key, at) => ({
      id: `label.recent${at + 1}`,
      title: `Take recent category ${at + 1}`,
      category: "Give a category",
      keys: [key],
      when: () => desk.recent[at] !== undefined,
      run: () => give(desk.recent[at] ?? 0, "digit"),
    })),
    { id: "label.skip", title: "Skip", category: "Instead", keys: ["X", "S"], run: () => desk.skip() },
    { id: "label.flag", title: "Flag", category: "Instead", keys: ["F"], run: () => desk.flag() },
    {
      id: "label.comment",
      title: "Flag with a comment",
      category: "Instead",
      keys: ["C"],
      run: () => setMode("comment"),
    },
    {
      id: "label.undo",
      title: "Undo",
      category: "Back and forth",
      keys: ["U", "Ctrl+Z"],
      when: () => desk.canUndo,
      run: () => desk.undo(),
    },
    {
      id: "label.redo",
      title: "Redo",
      category: "Back and forth",
      keys: ["Ctrl+Shift+Z"],
      when: () => desk.canRedo,
      run: () => desk.redo(),
    },
    {
      id: "label.previous",
      title: "Previous image",
      category: "Back and forth",
      keys: ["ArrowLeft"],
      run: () => desk.queue.previous(),
    },
    {
      id: "label.next",
      title: "Next image",
      category: "Back and forth",
      keys: ["ArrowRight"],
      run: () => desk.queue.next(),
    },
    {
      id: "label.zoom",
      title: "Zoom while held",
      category: "Look",
      keys: ["Z"],
      run: () => setZoomed(true),
      release: () => setZoomed(false),
    },
  ];
}

export function parentOfFirst(item: LeasedItem | undefined, byId: ReadonlyMap<number, Category>): Category | undefined {
  const first = byId.get(item?.suggestions[0]?.category ?? 0);
  return byId.get(first?.parent ?? 0);
}
