import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { listen } from "@/api/events";
import { useProject } from "@/api/shared";
import type { Command } from "@/core/commands";
import { useCommands } from "@/ui/commands";
import { Icon, Mark } from "@/ui/Icon";
import { Help } from "./Help";
import { JobsPanel } from "./JobsPanel";
import { Palette } from "./Palette";
import { Strip } from "./Strip";
import { SECTIONS, sectionAt } from "./sections";
import { labeling } from "./theme";
import { UserMenu } from "./UserMenu";
import "./shell.css";

type Overlay = "help" | "palette" | "jobs" | null;

export function Shell({ children }: { children: ComponentChildren }) {
  const { path, route } = useLocation();
  const project = Number(/^\/p\/(\d+)/.exec(path)?.[1] ?? 0);
  const [overlay, setOverlay] = useState<Overlay>(null);
  const labelPage = /^\/p\/\d+\/label/.test(path);
  labeling.value = labelPage;

  useEffect(() => (project > 0 ? listen(project) : undefined), [project]);
  // what lay over the page closes when the page changes
  useEffect(() => setOverlay(null), [path]);

  useCommands("app", [
    { id: "app.help", title: "All keys", category: "Everywhere", keys: ["?"], run: () => setOverlay("help") },
    {
      id: "app.palette",
      title: "Do anything by name",
      category: "Everywhere",
      keys: ["Ctrl+K"],
      run: () => setOverlay("palette"),
    },
    { id: "app.projects", title: "Go to projects", category: "Everywhere", keys: [], run: () => route("/") },
    ...(project > 0 ? sectionCommands(project, route, () => setOverlay("jobs")) : []),
  ]);

  return (
    <div class={`shell ${labelPage ? "shell-labeling" : ""} ${project > 0 ? "" : "shell-bare"}`}>
      <a class="skip-link" href="#main">
        Skip to the page
      </a>
      {project > 0 && <Rail project={project} path={path} />}
      <header class="strip">
        {project > 0 ? (
          <ProjectStrip project={project} onJobs={() => setOverlay(overlay === "jobs" ? null : "jobs")} />
        ) : (
          <a href="/" class="wordmark">
            <Mark /> Winnow
          </a>
        )}
        <UserMenu onHelp={() => setOverlay("help")} />
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      {overlay === "help" && <Help onClose={() => setOverlay(null)} />}
      {overlay === "palette" && <Palette onClose={() => setOverlay(null)} />}
      {overlay === "jobs" && project > 0 && <JobsPanel project={project} onClose={() => setOverlay(null)} />}
    </div>
  );
}

const sectionCommands = (project: number, route: (path: string) => void, openJobs: () => void): Command[] => [
  ...SECTIONS.map(({ title, suffix }) => ({
    id: `go.${suffix || "overview"}`,
    title: `Go to ${title.toLowerCase()}`,
    category: "Go",
    keys: [],
    run: () => route(`/p/${project}${suffix}`),
  })),
  { id: "app.jobs", title: "Show running work", category: "Everywhere", keys: [], run: openJobs },
];

function Rail({ project, path }: { project: number; path: string }) {
  const here = sectionAt(path);
  const role = useProject(project).data?.role;
  return (
    <nav class="rail" aria-label="Project">
      <a href="/" class="rail-home" title="All projects">
        <Mark />
        <span>Winnow</span>
      </a>
      {SECTIONS.filter(({ may }) => may?.(role) ?? true).map(({ title, suffix, icon }) => (
        <a
          key={suffix}
          href={`/p/${project}${suffix}`}
          class="rail-link"
          title={title}
          aria-current={here === suffix ? "page" : undefined}
        >
          <Icon name={icon} />
          <span>{title}</span>
        </a>
      ))}
    </nav>
  );
}

function ProjectStrip({ project, onJobs }: { project: number; onJobs: () => void }) {
  const { data } = useProject(project);
  return (
    <>
      <a href={`/p/${project}`} class="strip-name">
        {data?.name ?? ""}
      </a>
      {data?.encoder?.is_demo && (
        <span
          class="strip-demo"
          title="The demo encoder shows how everything works; choose a larger one for real work."
        >
          demo encoder
        </span>
      )}
      <Strip project={project} onJobs={onJobs} />
    </>
  );
}
