import { describe, expect, it } from "vitest";
import type { Project } from "@/api/types";
import { changesBetween, draftOf, problemsIn } from "./changes";

const project: Project = {
  id: 1,
  name: "Beetles",
  description: "",
  concept: "beetle",
  templates: ["a photo of a {}"],
  role: "owner",
  acquisition_function: "margin",
  options: {},
  blind_share: 0.1,
  overlap: 1,
  taxonomy_revision: 0,
  encoder: null,
  created_at: "2026-01-01T00:00:00Z",
};

const WRONG = ["blindPercent", "knownPercent", "name", "opinions", "overlap", "templates", "tiles"];

describe("the settings of a project", () => {
  it("send nothing when nothing was changed", () => {
    expect(changesBetween(project, draftOf(project))).toEqual({});
  });

  it("send what was changed, in the words of the server", () => {
    const pages = { knownPercent: "2.5", tiles: "24" };
    const said = { blindPercent: "25", opinions: "3", templates: "a {}\n\n  a drawing of a {} ", ...pages };
    const draft = { ...draftOf(project), ...said };
    expect(changesBetween(project, draft)).toEqual({
      blind_share: 0.25,
      options: { opinions_max: 3, attention_share: 0.025, page_size_max: 24 },
      templates: ["a {}", "a drawing of a {}"],
    });
  });

  it("say what is wrong before anything is sent", () => {
    const draft = {
      ...draftOf(project),
      name: " ",
      blindPercent: "60",
      overlap: "1.5",
      opinions: "x",
      templates: "a beetle",
      knownPercent: "",
      tiles: "5",
    };
    expect(Object.keys(problemsIn(draft)).sort()).toEqual(WRONG);
    expect(problemsIn(draftOf(project))).toEqual({});
  });
});
