import { mayReview, type RoleName } from "@/core/roles";
import type { IconName } from "@/ui/Icon";

export interface Section {
  readonly title: string;
  readonly suffix: string;
  readonly icon: IconName;
  /** Shown to those who may do what the page is for. */
  readonly may?: (role: RoleName | undefined) => boolean;
}

/** The pages of a project, in the order in which work goes through them. */
export const SECTIONS: readonly Section[] = [
  { title: "Overview", suffix: "", icon: "overview" },
  { title: "Label", suffix: "/label", icon: "label" },
  { title: "Review", suffix: "/review", icon: "review", may: mayReview },
  { title: "Images", suffix: "/images", icon: "images" },
  { title: "Map", suffix: "/map", icon: "map" },
  { title: "Categories", suffix: "/categories", icon: "categories" },
  { title: "Models", suffix: "/models", icon: "models" },
  { title: "Insights", suffix: "/insights", icon: "insights" },
  { title: "Certificates", suffix: "/certificates", icon: "certificates" },
  { title: "Exports", suffix: "/exports", icon: "exports" },
  { title: "Team", suffix: "/team", icon: "team" },
  { title: "Settings", suffix: "/settings", icon: "settings" },
];

export function sectionAt(path: string): string {
  const rest = path.replace(/^\/p\/\d+/, "").replace(/\/$/, "");
  const inner = SECTIONS.filter(({ suffix }) => suffix !== "").find(
    ({ suffix }) => rest.split("/")[1] === suffix.split("/")[1],
  );
  return inner?.suffix ?? "";
}
