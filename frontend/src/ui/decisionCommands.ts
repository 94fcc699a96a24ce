import type { Command } from "@/core/commands";
import type { Decidable, DecisionDesk } from "./decisions";

export interface DecisionActs<T extends Decidable> {
  readonly desk: DecisionDesk<T>;
  readonly setTyping: (letter: string | null) => void;
  readonly setZoomed: (zoomed: boolean) => void;
}

/** What every desk of decisions answers to, beside the choices of its own: type, leave, go back, undo, look closer. */
export function decisionCommands<T extends Decidable>({ desk, setTyping, setZoomed }: DecisionActs<T>): Command[] {
  return [
    {
      id: "label.type",
      title: "Type any category; other letters begin one as well",
      category: "Decide",
      keys: ["/"],
      letters: true,
      run: (letter = "") => setTyping(/^\p{L}$/u.test(letter) ? letter : ""),
    },
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
