import type { Command } from "@/core/commands";
import { decisionCommands } from "@/ui/decisionCommands";
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
    ...decisionCommands({ desk, setTyping, setZoomed }),
  ];
}
