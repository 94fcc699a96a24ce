import { expect, it } from "vitest";
import { withQuery } from "@/api/client";
import { viewQuery, viewRead } from "./filters";

it("finds the same view again from its address", () => {
  const view = viewRead({ category: "4", state: "flagged", like: "17", view: "9", nonsense: "1" });
  expect(view).toEqual({ filters: { category: "4", state: "flagged" }, text: "", like: 17, open: 9 });
  expect(withQuery("/p/1/images", viewQuery(view))).toBe("/p/1/images?category=4&state=flagged&like=17&view=9");
});

it("does not take words for numbers", () => {
  expect(viewRead({ like: "seventeen" }).like).toBeNull();
});
