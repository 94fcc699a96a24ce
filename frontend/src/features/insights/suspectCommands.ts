import type { Suspect } from "@/api/insights";
import type { Category } from "@/api/types";
import type { Command } from "@/core/commands";
import { type DecisionActs, decisionCommands } from "@/ui/decisionCommands";

export interface SuspectActs extends DecisionActs<Suspect> {
  /** The label as it is, then what it could be instead, best first. */
  readonly choices: readonly Category[];
}

/** The category that was given, then what the model or the twins say, each once. */
export function choicesOf(item: Suspect, byId: ReadonlyMap<number, Category>): Category[] {
  const others = [item.instead ?? 0, ...item.suggestions.map(({ category }) => category)];
  const ids = [...new Set([item.given, ...others, ...item.like.map(({ category }) => category)])];
  return ids.flatMap((id) => byId.get(id) ?? []).slice(0, 6);
}

/** Keep, relabel, flag: each an annotation that a reviewer makes, and each can be taken back. */
export function suspectCommands(acts: SuspectActs): Command[] {
  const { desk, choices } = acts;
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
    { id: "label.flag", title: "Flag it: it is none of them", category: "Decide", keys: ["F"], run: () => desk.flag() },
    ...decisionCommands(acts),
  ];
}
