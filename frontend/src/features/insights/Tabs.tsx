import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso";
import { useProject } from "@/api/shared";
import { mayReview, type RoleName } from "@/core/roles";
import "./insights.css";

const TABS: readonly { title: string; suffix: string; may?: (role: RoleName | undefined) => boolean }[] = [
  { title: "People", suffix: "" },
  { title: "Cost", suffix: "/cost" },
  { title: "Label errors", suffix: "/errors", may: mayReview },
  { title: "Release report", suffix: "/report", may: mayReview },
];

/** The head that all pages of insights share: where one is, and what else there is to know. */
export function InsightHead({
  project,
  title,
  children,
  act,
}: {
  project: number;
  title: string;
  children: ComponentChildren;
  act?: ComponentChildren;
}) {
  const { path } = useLocation();
  const role = useProject(project).data?.role;
  useEffect(() => {
    document.title = `${title} · Winnow`;
  }, [title]);
  const base = `/p/${project}/insights`;
  return (
    <>
      <nav class="tabs" aria-label="Insights">
        {TABS.filter(({ may }) => may?.(role) ?? true).map((tab) => (
          <a
            key={tab.suffix}
            href={`${base}${tab.suffix}`}
            aria-current={path.replace(/\/$/, "") === `${base}${tab.suffix}` ? "page" : undefined}
          >
            {tab.title}
          </a>
        ))}
      </nav>
      <div class="page-head">
        <div>
          <h1>{title}</h1>
          <p>{children}</p>
        </div>
        {act}
      </div>
    </>
  );
}
