import { expect, it } from "vitest";
import type { Suspect } from "@/api/insights";
import type { Category } from "@/api/types";
import { choicesOf } from "./suspectCommands";

const byId = new Map([1, 2, 3].map((id) => [id, { id, name: `c${id}` } as Category]));

it("offers the label as it is first, then what else it could be, each once", () => {
  const item = {
    given: 2,
    instead: 3,
    suggestions: [
      { category: 3, probability: 0.9 },
      { category: 2, probability: 0.1 },
      { category: 99, probability: 0 },
    ],
    like: [{ category: 1 }, { category: 3 }],
  } as unknown as Suspect;
  expect(choicesOf(item, byId).map(({ id }) => id)).toEqual([2, 3, 1]);
});
