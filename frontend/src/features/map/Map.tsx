import { useEffect, useMemo, useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { messageOf } from "@/api/client";
import { touched } from "@/api/events";
import { type MapMethod, type MapState, maps } from "@/api/map";
import { useResource } from "@/api/resource";
import { useProject, useTaxonomy } from "@/api/shared";
import { ago, count, plural } from "@/core/format";
import { type ColorBy, groupsOf, type MapData, RIGHT, tally, WRONG } from "@/core/map";
import { mayReview } from "@/core/roles";
import { NOTHING_SELECTED, type Selection, selectionToggle } from "@/core/selection";
import { Progress } from "@/ui/Bar";
import { Button } from "@/ui/Button";
import { Empty, Failed, Notice } from "@/ui/States";
import { toast } from "@/ui/Toasts";
import { ActionBar } from "../images/ActionBar";
import { Viewer } from "../images/Viewer";
import { Legend } from "./Legend";
import { Scatter } from "./Scatter";
import { shadesOf } from "./shades";
import { Taken } from "./Taken";
import "../images/images.css";
import "./map.css";

const METHODS: readonly { readonly id: MapMethod; readonly name: string }[] = [
  { id: "umap", name: "UMAP" },
  { id: "tsne", name: "t-SNE" },
  { id: "pca", name: "Principal plane" },
];
const COLORS: readonly { readonly id: ColorBy; readonly name: string }[] = [
  { id: "category", name: "Category" },
  { id: "prediction", name: "Prediction" },
  { id: "error", name: "Right or wrong" },
  { id: "run", name: "Changed since the run before" },
];

/** How the images lie to each other, as the encoder sees them. What looks wrong is taken with a lasso and labelled. */
export default function MapPage() {
  const { params } = useRoute();
  const project = Number(params.id);
  const state = useResource(`map/${project}`, (signal) => maps.read(project, signal), ["jobs"]);
  const review = mayReview(useProject(project).data?.role);
  useEffect(() => {
    document.title = "Map · Winnow";
  }, []);
  if (state.error) return <Failed error={state.error} onRetry={state.reload} />;
  if (!state.data) return null;
  return (
    <div class="map-page">
      <Head project={project} state={state.data} review={review} />
      {state.data.drawn ? (
        <Drawn project={project} drawn={state.data.drawn.created_at} />
      ) : (
        <Empty title={state.data.job ? "The map is being drawn" : "No map yet"}>
          <p>
            {state.data.images > 0
              ? `It shows how ${plural(state.data.images, "image")} lie to each other.`
              : "Images appear here once they have been looked at."}
          </p>
        </Empty>
      )}
    </div>
  );
}

function Head({ project, state, review }: { project: number; state: MapState; review: boolean }) {
  const [method, setMethod] = useState<MapMethod>(state.drawn?.method ?? "umap");
  const draw = async (): Promise<void> => {
    try {
      await maps.draw(project, method);
      touched("jobs");
    } catch (error) {
      toast(messageOf(error), { tone: "danger" });
    }
  };
  const { drawn, job } = state;
  return (
    <div class="map-head">
      <h1>Map</h1>
      {drawn && (
        <p class="small muted">
          {plural(drawn.images, "image")}, {METHODS.find(({ id }) => id === drawn.method)?.name}, {drawn.encoder},{" "}
          {ago(drawn.created_at)}
        </p>
      )}
      {drawn && !drawn.current && <Notice tone="warn">It shows another encoder than the one that serves now.</Notice>}
      {job ? (
        <Progress done={job.done} total={job.total} label="Drawing the map" />
      ) : (
        review && (
          <div class="map-draw">
            <select
              class="input"
              aria-label="How it is laid out"
              value={method}
              onChange={(event) => setMethod(event.currentTarget.value as MapMethod)}
            >
              {METHODS.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
            <Button kind={drawn ? "plain" : "primary"} disabled={state.images === 0} onClick={() => void draw()}>
              {drawn ? "Draw anew" : "Draw the map"}
            </Button>
          </div>
        )
      )}
    </div>
  );
}

function Drawn({ project, drawn }: { project: number; drawn: string }) {
  const key = `map-points/${project}/${drawn}`;
  const points = useResource(key, (signal) => maps.points(project, signal), ["predictions"]);
  if (points.error) return <Failed error={points.error} onRetry={points.reload} />;
  return points.data ? <Chart project={project} data={points.data} /> : <p class="map-none muted">Reading the map</p>;
}

function Chart({ project, data }: { project: number; data: MapData }) {
  const taxonomy = useTaxonomy(project);
  const role = useProject(project).data?.role;
  const [by, setBy] = useState<ColorBy>("category");
  const [only, setOnly] = useState<number | null>(null);
  const [lasso, setLasso] = useState(false);
  const [taken, setTaken] = useState<readonly number[]>([]);
  const [selection, setSelection] = useState<Selection>(NOTHING_SELECTED);
  const [hover, setHover] = useState<{ row: number; x: number; y: number } | null>(null);
  const [open, setOpen] = useState<number | null>(null);
  const scheme = useScheme();
  const groups = useMemo(() => groupsOf(data, by), [data, by]);
  const counts = useMemo(() => tally(groups), [groups]);
  const categoryOf = (group: number) => taxonomy.byId.get(data.categories[group - 1] ?? 0);
  const nameOf = (group: number): string =>
    group === RIGHT
      ? by === "error"
        ? "right"
        : "as before"
      : group === WRONG
        ? by === "error"
          ? "wrong"
          : "changed"
        : (categoryOf(group)?.name ?? "a category that is gone");
  const idOf = (row: number): number => data.ids[row] ?? 0;
  const take = (rows: readonly number[]): void => {
    setTaken(rows);
    setSelection({ ids: new Set(rows.map(idOf)), anchor: null });
    setLasso(false);
  };
  const inTaken = useMemo(() => new Set(taken), [taken]);
  const chosen = (row: number): boolean =>
    (only === null || groups[row] === only) && (taken.length === 0 || inTaken.has(row));

  return (
    <div class={`map-body ${taken.length > 0 ? "map-with-taken" : ""}`}>
      <div class="map-side">
        <label class="map-by">
          Color
          <select
            class="input"
            value={by}
            onChange={(event) => {
              setBy(event.currentTarget.value as ColorBy);
              setOnly(null);
            }}
          >
            {COLORS.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <Button kind={lasso ? "primary" : "plain"} aria-pressed={lasso} onClick={() => setLasso(!lasso)}>
          Lasso
        </Button>
        <Legend
          counts={counts}
          total={data.count}
          only={only}
          nameOf={nameOf}
          hueOf={(group) => categoryOf(group)?.hue}
          onOnly={setOnly}
        />
      </div>
      <div class="map-sheet">
        <Scatter
          data={data}
          colors={(element) => shadesOf(element, groups, (group) => categoryOf(group)?.hue ?? 0, chosen)}
          colorKey={`${by}/${only}/${taken.length}/${taken[0]}/${scheme}/${taxonomy.revision}/${taxonomy.loaded}`}
          lasso={lasso}
          onLasso={take}
          onHover={(row, x, y) => setHover(row < 0 ? null : { row, x, y })}
          onOpen={(row) => setOpen(idOf(row))}
          label={`${count(data.count)} images by ${COLORS.find(({ id }) => id === by)?.name.toLowerCase()}`}
        />
        {hover && (
          <figure class="map-hover" style={{ left: `${hover.x}px`, top: `${hover.y}px` }}>
            <img src={`/api/v1/projects/${project}/images/${idOf(hover.row)}/thumb`} alt="" />
            <figcaption class="small">{wordsOf(data, hover.row, categoryOf)}</figcaption>
          </figure>
        )}
      </div>
      {taken.length > 0 && (
        <Taken
          project={project}
          ids={taken.map(idOf)}
          selection={selection}
          onToggle={(id) => setSelection(selectionToggle(selection, id))}
          onClose={() => take([])}
        />
      )}
      {selection.ids.size > 0 && role && (
        <ActionBar project={project} role={role} selection={selection} taxonomy={taxonomy} onDone={() => take([])} />
      )}
      {open !== null && (
        <Viewer
          project={project}
          image={open}
          role={role}
          taxonomy={taxonomy}
          onClose={() => setOpen(null)}
          onStep={() => setOpen(null)}
          onLike={() => setOpen(null)}
        />
      )}
    </div>
  );
}

function wordsOf(data: MapData, row: number, categoryOf: (group: number) => { name: string } | undefined): string {
  const label = categoryOf(data.label[row] ?? 0);
  const guess = categoryOf(data.predicted[row] ?? 0);
  return label?.name ?? (guess ? `${guess.name}?` : "not labelled");
}

/** Colors are computed for one scheme at a time: what the system wants, or what the person chose. */
function useScheme(): string {
  const read = (): string =>
    `${document.documentElement.dataset.theme}/${matchMedia("(prefers-color-scheme: dark)").matches}`;
  const [scheme, setScheme] = useState(read);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const changed = (): void => setScheme(read());
    const chosen = new MutationObserver(changed);
    chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    query.addEventListener("change", changed);
    return () => {
      chosen.disconnect();
      query.removeEventListener("change", changed);
    };
  }, []);
  return scheme;
}
