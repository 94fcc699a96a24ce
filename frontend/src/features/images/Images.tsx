import { useEffect, useState } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { withQuery } from "@/api/client";
import { images as endpoint } from "@/api/endpoints";
import { useResource } from "@/api/resource";
import { useProject, useTaxonomy } from "@/api/shared";
import type { ImageItem } from "@/api/types";
import { count, plural } from "@/core/format";
import { NOTHING_SELECTED, type Selection, selectionExtend, selectionToggle } from "@/core/selection";
import { Button, LinkButton } from "@/ui/Button";
import { Empty, Failed } from "@/ui/States";
import { VirtualGrid } from "@/ui/VirtualGrid";
import { ActionBar } from "./ActionBar";
import { FacetRail } from "./FacetRail";
import { isSearch, type View, viewQuery, viewRead } from "./filters";
import { SearchBox } from "./SearchBox";
import { Tile } from "./Tile";
import { useImages } from "./useImages";
import { Viewer } from "./Viewer";
import "./images.css";

export default function Images() {
  const { params } = useRoute();
  const project = Number(params.id);
  const { query, route } = useLocation();
  const view = viewRead(query);
  const pages = useImages(project, view);
  const taxonomy = useTaxonomy(project);
  const details = useProject(project).data;
  const [selection, setSelection] = useState<Selection>(NOTHING_SELECTED);
  const facets = useResource(
    `facets/${project}/${JSON.stringify(view.filters)}`,
    (signal) => endpoint.facets(project, view.filters, signal),
    ["annotations", "predictions", "images"],
  ).data;
  useEffect(() => {
    document.title = "Images · Winnow";
  }, []);

  const go = (next: Partial<View>): void => route(withQuery(`/p/${project}/images`, viewQuery({ ...view, ...next })));
  const pick = (image: ImageItem, event: MouseEvent): void => {
    const order = pages.items.map(({ id }) => id);
    setSelection(event.shiftKey ? selectionExtend(selection, image.id, order) : selectionToggle(selection, image.id));
  };
  const opened = view.open === null ? -1 : pages.items.findIndex(({ id }) => id === view.open);
  const step = (by: number): void => {
    const next = pages.items[opened + by];
    if (next !== undefined) go({ open: next.id });
  };

  return (
    <div class="browse">
      <FacetRail view={view} facets={facets} taxonomy={taxonomy} role={details?.role} go={go} />
      <div class="browse-main">
        <div class="browse-head">
          <h1 class="visually-hidden">Images</h1>
          <SearchBox view={view} go={go} meaning={details?.encoder?.has_text ?? false} />
          <p class="muted small" role="status">
            {isSearch(view)
              ? `The ${plural(pages.items.length, "image")} ${view.like === null ? `nearest to “${view.text}”` : "most like the chosen one"}`
              : facets && plural(facets.total, "image")}
          </p>
        </div>
        {pages.error && <Failed error={pages.error} onRetry={pages.reload} />}
        {pages.complete && pages.items.length === 0 && (
          <NoImages project={project} view={view} onClear={() => go({ filters: {}, text: "", like: null })} />
        )}
        <VirtualGrid
          items={pages.items}
          complete={pages.complete}
          target={168}
          label={`${count(pages.items.length)} images`}
          onNearEnd={pages.more}
          render={(image) => (
            <Tile
              image={image}
              byId={taxonomy.byId}
              selected={selection.ids.has(image.id)}
              selecting={selection.ids.size > 0}
              onOpen={() => go({ open: image.id })}
              onSelect={(event) => pick(image, event)}
            />
          )}
        />
      </div>
      {selection.ids.size > 0 && details && (
        <ActionBar
          project={project}
          role={details.role}
          selection={selection}
          taxonomy={taxonomy}
          onDone={() => setSelection(NOTHING_SELECTED)}
        />
      )}
      {view.open !== null && (
        <Viewer
          project={project}
          image={view.open}
          role={details?.role}
          taxonomy={taxonomy}
          onClose={() => go({ open: null })}
          onStep={step}
          onLike={(image) => go({ like: image, text: "", filters: {}, open: null })}
        />
      )}
    </div>
  );
}

function NoImages({ project, view, onClear }: { project: number; view: View; onClear: () => void }) {
  const narrowed = isSearch(view) || Object.keys(view.filters).length > 0;
  return narrowed ? (
    <Empty title="No image fits">
      <Button onClick={onClear}>Show all images</Button>
    </Empty>
  ) : (
    <Empty title="No images yet">
      <p>Drop some on the project's page.</p>
      <LinkButton kind="primary" href={`/p/${project}`}>
        Add images
      </LinkButton>
    </Empty>
  );
}
