import type { Command } from "@/core/commands";
import type { Choice } from "./choices";
import type { ReviewDesk } from "./useReview";

export interface ReviewActs {
  readonly desk: ReviewDesk;
  readonly choices: readonly Choice[];
  readonly decide: (category: number, input: "digit" | "type") => void;
  readonly setTyping: (letter: string | null) => void;
  readonly setZoomed: (zoomed: boolean) => void;
}

export function reviewCommands({ desk, choices, decide, setTyping, setZoomed }: ReviewActs): Command[] {
  return [
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => ({
      id: `review.choice${digit}`,
      title: `It is number ${digit}`,
      category: "Decide",
      keys: digit === 1 ? ["1", "Enter"] : [String(digit)],
      when: () => choices[digit - 1] !== undefined,
      run: () => decide(choices[digit - 1]?.category.id ?? 0, "digit"),
    })),
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
