import { count } from "@/core/format";
import { RIGHT, WRONG } from "@/core/map";
import { Dot } from "@/ui/Category";

interface LegendProps {
  counts: readonly (readonly [group: number, count: number])[];
  total: number;
  only: number | null;
  nameOf: (group: number) => string;
  hueOf: (group: number) => number | undefined;
  onOnly: (group: number | null) => void;
}

const SHOWN = 40;

/** What the colors mean, largest group first; a click shows one group alone. */
export function Legend({ counts, total, only, nameOf, hueOf, onOnly }: LegendProps) {
  const colored = counts.reduce((sum, [, n]) => sum + n, 0);
  return (
    <ul class="map-legend" aria-label="What the colors mean">
      {counts.slice(0, SHOWN).map(([group, n]) => (
        <li key={group}>
          <button
            type="button"
            class="facet-row"
            aria-pressed={only === group}
            onClick={() => onOnly(only === group ? null : group)}
          >
            {group === RIGHT || group === WRONG ? (
              <span class={`map-mark ${group === RIGHT ? "map-right" : "map-wrong"}`} aria-hidden="true" />
            ) : (
              <Dot hue={hueOf(group) ?? 0} />
            )}
            <span class="facet-text">{nameOf(group)}</span>
            <span class="facet-n small">{count(n)}</span>
          </button>
        </li>
      ))}
      {counts.length > SHOWN && <li class="small muted">and {count(counts.length - SHOWN)} more</li>}
      {colored < total && <li class="small muted map-rest">{count(total - colored)} without one</li>}
    </ul>
  );
}
