import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { LabelingPage } from "@/api/page-types";
import { useProject, useTaxonomy } from "@/api/shared";
import { mayAnnotate } from "@/core/roles";
import { useCommands } from "@/ui/commands";
import { Failed } from "@/ui/States";
import type { Source } from "./leases";
import { NothingToLabel } from "./NothingToLabel";
import { OneView } from "./OneView";
import { PageView, type PageViewProps } from "./PageView";
import { shown } from "./timing";
import { useDesk } from "./useDesk";
import { useFeedback } from "./useFeedback";
import { useScreen } from "./useScreen";
import "./labeling.css";
import "./page.css";

/** The labelling screen: pages and single images in one flow, or single images alone. */
export function Labeling({ project, kind, category }: { project: number; kind: Source["kind"]; category?: number }) {
  const { data } = useProject(project);
  const name = data?.name;
  useEffect(() => {
    if (name) document.title = `Label · ${name} · Winnow`;
  }, [name]);
  if (data && !mayAnnotate(data.role)) return <NothingToLabel project={project} reason="viewer" />;
  return data ? <AtTheDesk key={`${project}/${kind}/${category}`} {...{ project, kind, category }} /> : null;
}

interface AtTheDeskProps {
  project: number;
  kind: Source["kind"];
  category: number | undefined;
}

function AtTheDesk({ project, kind, category }: AtTheDeskProps) {
  const source = useMemo<Source>(() => ({ kind, ...(category === undefined ? {} : { category }) }), [kind, category]);
  const { screen, frame } = useScreen();
  const { desk, pictures, behind } = useDesk(project, source, screen);
  const feedback = useFeedback(project, desk, kind === "pages");
  const taxonomy = useTaxonomy(project);
  const [announced, announce] = useState("");
  const entry = desk.queue.current?.leased.key;
  const urls = desk.page ? screen.tileUrls(desk.page) : desk.item ? [desk.item.image.display] : [];
  const decoded = urls.every((url) => pictures.ready(url) !== undefined);
  useLayoutEffect(() => shown(entry, decoded), [entry]);
  const { route } = useLocation();
  useCommands("labeling", [
    {
      id: "label.grid",
      title: kind === "pages" ? "One image at a time" : "Whole pages",
      category: "Look",
      keys: ["G"],
      run: () => route(kind === "pages" ? `/p/${project}/label/one` : `/p/${project}/label`),
    },
  ]);
  return (
    <div
      ref={frame}
      class="labeling"
      style={{ "--head": `${screen.head}px`, "--foot": `${screen.foot}px` }}
      data-entry={entry}
    >
      <p class="visually-hidden" role="status" data-testid="announced">
        {announced}
      </p>
      {onTheDesk({ project, desk, behind, pictures, screen, taxonomy, feedback, announce })}
    </div>
  );
}

type OnTheDesk = Omit<PageViewProps, "page" | "sheet" | "shown"> & { behind: LabelingPage | undefined };

/** Not a component: the desk stays the same object while what lies on it changes. */
function onTheDesk({ behind, ...on }: OnTheDesk): VNode {
  const { project, desk, taxonomy } = on;
  const { item, queue } = desk;
  if (taxonomy.loaded && taxonomy.active.length === 0)
    return <NothingToLabel project={project} reason="no_categories" />;
  if (taxonomy.error && !taxonomy.loaded) return <Failed error={taxonomy.error} onRetry={taxonomy.reload} />;
  if (queue.state === "failed" && queue.error) {
    return (
      <div class="page">
        <Failed error={queue.error} onRetry={() => void queue.fill()} />
      </div>
    );
  }
  const page = desk.page ?? (item && behind);
  if (!page && !item) return <NothingToLabel project={project} reason={queue.emptyReason ?? "loading"} desk={desk} />;
  return (
    <>
      {page && <PageView key="page" {...on} page={page} sheet={desk.sheetOf(page)} shown={page === desk.page} />}
      {item && <OneView key="one" {...on} item={item} />}
    </>
  );
}
