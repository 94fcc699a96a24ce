import { useState } from "preact/hooks";
import { images as endpoint } from "@/api/endpoints";
import { annotate } from "@/api/outbox";
import { useResource } from "@/api/resource";
import type { Taxonomy } from "@/api/shared";
import type { HistoryEvent, ImageDetail, Role } from "@/api/types";
import { ago, bytes, probability } from "@/core/format";
import { mayAnnotate, mayReview } from "@/core/roles";
import { Button } from "@/ui/Button";
import { Dot } from "@/ui/Category";
import { CategoryPicker } from "@/ui/CategoryPicker";
import { useCommands } from "@/ui/commands";
import { Failed } from "@/ui/States";
import { toast } from "@/ui/Toasts";
import { markGold } from "./gold";

interface ViewerProps {
  project: number;
  image: number;
  role: Role | undefined;
  taxonomy: Taxonomy;
  onClose: () => void;
  onStep: (by: number) => void;
  onLike: (image: number) => void;
}

/** One image with everything that was ever said about it: who or what, when, on which evidence. */
export function Viewer({ project, image, role, taxonomy, onClose, onStep, onLike }: ViewerProps) {
  const { data, error, reload } = useResource(
    `image/${project}/${image}`,
    (signal) => endpoint.read(project, image, signal),
    ["annotations", "predictions"],
  );
  const [picking, setPicking] = useState(false);
  useCommands(
    "viewer",
    [
      { id: "viewer.close", title: "Back to the grid", category: "This image", keys: ["Escape"], run: onClose },
      {
        id: "viewer.previous",
        title: "Previous image",
        category: "This image",
        keys: ["ArrowLeft"],
        run: () => onStep(-1),
      },
      { id: "viewer.next", title: "Next image", category: "This image", keys: ["ArrowRight"], run: () => onStep(1) },
      {
        id: "viewer.label",
        title: "Label this image",
        category: "This image",
        keys: ["L"],
        when: () => mayAnnotate(role),
        run: () => setPicking(true),
      },
      {
        id: "viewer.gold",
        title: "Mark as gold",
        category: "This image",
        keys: ["O"],
        when: () => mayReview(role) && agreed(data),
        run: () => void markGold(project, [image]),
      },
      { id: "viewer.like", title: "More like this", category: "This image", keys: ["M"], run: () => onLike(image) },
    ],
    { exclusive: true },
  );
  return (
    <section class="viewer" aria-label="Image">
      <div class="viewer-stage">{data && <img key={data.id} src={data.display} alt={data.name} />}</div>
      <aside class="viewer-side">
        <header class="spread">
          <span class="row">
            <Button
              kind="quiet"
              icon="left"
              aria-label="Previous image"
              title="Previous (←)"
              onClick={() => onStep(-1)}
            />
            <Button kind="quiet" icon="right" aria-label="Next image" title="Next (→)" onClick={() => onStep(1)} />
          </span>
          <Button kind="quiet" icon="close" command="viewer.close" onClick={onClose}>
            Close
          </Button>
        </header>
        {error && <Failed error={error} onRetry={reload} />}
        {data && <Facts data={data} taxonomy={taxonomy} />}
        {picking ? (
          <CategoryPicker
            label="Category for this image"
            items={taxonomy.active}
            onPick={(category) => {
              annotate(project, { image, kind: "label", category: category.id, evidence_details: { input: "type" } });
              toast(`Labelled ${category.name}`);
              setPicking(false);
            }}
            onClose={() => setPicking(false)}
          />
        ) : (
          <div class="row viewer-acts">
            {mayAnnotate(role) && (
              <Button icon="label" command="viewer.label" onClick={() => setPicking(true)}>
                Label
              </Button>
            )}
            {mayReview(role) && agreed(data) && (
              <Button
                icon="star"
                command="viewer.gold"
                title="Known for certain: it may be hidden among other tiles to measure attention"
                onClick={() => void markGold(project, [image])}
              >
                Gold
              </Button>
            )}
            <Button icon="similar" command="viewer.like" onClick={() => onLike(image)}>
              More like this
            </Button>
          </div>
        )}
        {data && <Suggestions data={data} taxonomy={taxonomy} />}
        {data && <History data={data} taxonomy={taxonomy} />}
        {data && (
          <p class="small faint viewer-file">
            {data.width ?? "?"} × {data.height ?? "?"} · {data.format} · {bytes(data.byte_size)} · sha256{" "}
            {data.sha256.slice(0, 12)} ·{" "}
            <a href={endpoint.originalUrl(project, data.id)} target="_blank" rel="noopener noreferrer">
              original file
            </a>
          </p>
        )}
      </aside>
    </section>
  );
}

const agreed = (data: ImageDetail | undefined): boolean => data?.consensus?.category != null;

function Facts({ data, taxonomy }: { data: ImageDetail; taxonomy: Taxonomy }) {
  const category = taxonomy.byId.get(data.consensus?.category ?? 0);
  return (
    <div>
      <h2 class="viewer-label">
        {category ? (
          <>
            <Dot hue={category.hue} /> {category.name}
          </>
        ) : (
          <span class="muted">{data.consensus ? data.consensus.state : "Not labelled"}</span>
        )}
      </h2>
      <p class="small muted viewer-name">{data.original_name || data.name}</p>
    </div>
  );
}

function Suggestions({ data, taxonomy }: { data: ImageDetail; taxonomy: Taxonomy }) {
  if (data.suggestions.length === 0) return null;
  return (
    <section>
      <h3>The model says</h3>
      <ul class="viewer-guesses">
        {data.suggestions.map(({ category: id, probability: p }) => {
          const category = taxonomy.byId.get(id);
          return category ? (
            <li key={id}>
              <Dot hue={category.hue} />
              <span>{category.name}</span>
              <span class="viewer-bar" style={{ "--share": `${p * 100}%` }} />
              <span class="small muted">{probability(p)}</span>
            </li>
          ) : null;
        })}
      </ul>
    </section>
  );
}

const KINDS: Readonly<Record<HistoryEvent["kind"], string>> = {
  label: "labelled",
  skip: "skipped",
  flag: "flagged",
  undo: "took back",
};

function History({ data, taxonomy }: { data: ImageDetail; taxonomy: Taxonomy }) {
  return (
    <section>
      <h3>History</h3>
      {data.history.length === 0 && <p class="small muted">Nobody has judged this image yet.</p>}
      <ol class="viewer-history">
        {data.history.map((event) => (
          <li key={event.id} class={event.undone ? "viewer-undone" : ""}>
            <span>
              <strong>{event.annotator ?? "Import"}</strong> {KINDS[event.kind]}{" "}
              {event.kind === "label" && (taxonomy.byId.get(event.category ?? 0)?.name ?? "")}
            </span>
            <span class="small faint">
              {ago(event.created_at)} · {event.evidence}
              {event.duration_ms ? ` · ${(event.duration_ms / 1000).toFixed(1)} s` : ""}
              {event.undone ? " · taken back" : ""}
            </span>
            {event.comment && <q class="small">{event.comment}</q>}
          </li>
        ))}
      </ol>
    </section>
  );
}
