import { useState } from "preact/hooks";
import { plural } from "@/core/format";
import type { Selection } from "@/core/selection";
import { Button } from "@/ui/Button";

interface TakenProps {
  project: number;
  ids: readonly number[];
  selection: Selection;
  onToggle: (id: number) => void;
  onClose: () => void;
}

const AT_ONCE = 120;

/** What the lasso took, to look at before it is labelled: a click leaves an image out. */
export function Taken({ project, ids, selection, onToggle, onClose }: TakenProps) {
  const [shown, setShown] = useState(AT_ONCE);
  return (
    <section class="map-taken" aria-label="What the lasso took">
      <div class="map-taken-head">
        <h2>{plural(ids.length, "image")}</h2>
        <Button kind="quiet" icon="close" aria-label="Let them go" onClick={onClose} />
      </div>
      <ul class="map-grid">
        {ids.slice(0, shown).map((id) => (
          <li key={id}>
            <button
              type="button"
              class="map-tile"
              aria-pressed={selection.ids.has(id)}
              aria-label={`Image ${id}`}
              onClick={() => onToggle(id)}
            >
              <img src={`/api/v1/projects/${project}/images/${id}/thumb`} alt="" loading="lazy" />
            </button>
          </li>
        ))}
      </ul>
      {ids.length > shown && <Button onClick={() => setShown(shown + AT_ONCE)}>More</Button>}
    </section>
  );
}
