import { describe, expect, it } from "vitest";
import { attentionMeans, attentionSays, expectationSays, sentence, teachingSays } from "./attention";

const measured = { planted: 3, caught: 2, page_size: { before: 32, after: 24 }, sent_to_review: 12 };

describe("what is said after a page", () => {
  it("says how many of the hidden tiles were caught", () => {
    expect(attentionSays(measured)).toBe("2 of 3 hidden wrong tiles caught.");
    expect(attentionSays({ ...measured, caught: 3 })).toBe("All 3 hidden wrong tiles were caught.");
    expect(attentionSays({ ...measured, planted: 1, caught: 0 })).toBe("One hidden wrong tile slipped by.");
    expect(attentionSays({ ...measured, caught: 0 })).toBe("3 hidden wrong tiles slipped by.");
    expect(attentionSays({ ...measured, planted: 0, caught: 0 })).toBe("");
  });

  it("says what follows from it, and nothing when nothing does", () => {
    expect(attentionMeans(measured)).toBe(
      "Pages have 24 tiles for now, so that each gets a look. 12 earlier labels will get a second look.",
    );
    expect(attentionMeans({ ...measured, page_size: { before: 24, after: 32 }, sent_to_review: 0 })).toBe(
      "Pages grow to 32 tiles.",
    );
    expect(attentionMeans({ ...measured, page_size: { before: 24, after: 24 }, sent_to_review: 0 })).toBe("");
  });
});

it("puts an expectation into whole images", () => {
  expect(expectationSays(0.93, 32)).toBe("About 30 of these 32 should be right.");
  expect(expectationSays(0.999, 32)).toBe("All 32 are probably right.");
  expect(expectationSays(0.4, 1)).toBe("Probably wrong.");
});

it("says whose corrections taught the model", () => {
  expect(teachingSays(3, 214, true)).toBe("Your 3 corrections changed 214 suggestions");
  expect(teachingSays(1, 1, false)).toBe("1 correction changed 1 suggestion");
});

it("makes a sentence of a reason", () => {
  expect(sentence("surest of what nobody has looked at")).toBe("Surest of what nobody has looked at.");
  expect(sentence("Most doubtful first. ")).toBe("Most doubtful first.");
  expect(sentence(" ")).toBe("");
});
