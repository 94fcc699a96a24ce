import type { Suspect } from "@/api/insights";
import type { Category } from "@/api/types";
import type { Command } from "@/core/commands";
import type { DecisionDesk } from "@/ui/decisions";

export interface SuspectActs {
  readonly desk: DecisionDesk<Suspect>;
  /** The label as it is, then what it could be instead, best first. */
  readonly choices: readonly Category[];
  readonly setTyping: (letter: string | null) => void;
  readonly setZoomed: (zoomed: boolean) => void;
}

/** The category that was given, then what the model or the twins say, each once. */
export function choicesOf(item: Suspect, byId: ReadonlyMap<number, Category>): Category[] {
  const others = [item.instead ?? 0, ...item.suggestions.map(({ category }) => category)];
  const ids = [...new Set([item.given, ...others, ...item.like.map(({ category }) => category)])];
  return ids.flatMap((id) => byId.get(id) ?? []).slice(0, 6);
}

/** Keep, relabel, flag: each an annotation that a reviewer makes, and each can be taken back. */
export function suspectCommands({ desk, choices, setTyping, setZoomed }: SuspectActs): Command[] {
  const [given, ...others] = choices;
  return [
    {
      id: "errors.keep",
      title: "Keep the label",
      category: "Decide",
      keys: ["Enter", "0"],
      when: () => given !== undefined,
      run: () => desk.label(given?.id ?? 0, "digit"),
    },
    ...[1, 2, 3, 4, 5].map((digit) => ({
      id: `errors.choice${digit}`,
      title: `It is number ${digit} instead`,
      category: "Decide",
      keys: [String(digit)],
      when: () => others[digit - 1] !== undefined,
      run: () => desk.label(others[digit - 1]?.id ?? 0, "digit"),
    })),
    {
      id: "label.type",
      title: "Type any category; other letters begin one as well",
      category: "Decide",
      keys: ["/"],
      letters: true,
      run: (letter = "") => setTyping(/^\p{L}$/u.test(letter) ? letter : ""),
    },
    { id: "label.flag", title: "Flag it: it is none of them", category: "Decide", keys: ["F"], run: () => desk.flag() },
    {
      id: "review.later",
      title: "Leave it for later",
      category: "Decide",
      keys: ["S", "ArrowRight"],
      run: () => desk.queue.next(),
    },
    {
      id: "review.previous",
      title: "Previous image",
      category: "Decide",
      keys: ["ArrowLeft"],
      run: () => desk.queue.previous(),
    },
    {
      id: "label.undo",
      title: "Undo the last decision",
      category: "Decide",
      keys: ["U", "Ctrl+Z"],
      when: () => desk.canUndo,
      run: () => desk.undo(),
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
