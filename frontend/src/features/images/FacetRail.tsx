import type { Taxonomy } from "@/api/shared";
import type { Facets, Role } from "@/api/types";
import { count } from "@/core/format";
import { mayReview } from "@/core/roles";
import { Button } from "@/ui/Button";
import { Dot } from "@/ui/Category";
import { Select } from "@/ui/Field";
import { type Filter, isSearch, type View } from "./filters";

const STATES: Readonly<Record<string, string>> = {
  unlabeled: "Not labelled",
  labeled: "Labelled",
  skipped: "Skipped",
  flagged: "Flagged",
  disputed: "Disputed",
};
const EVIDENCE: Readonly<Record<string, string>> = {
  blind: "Blind",
  suggestion: "With a suggestion",
  free: "Without a suggestion",
  page: "Page confirm",
  propagated: "From a near-duplicate",
  accepted: "Accepted from the model",
  migrated: "Moved with the taxonomy",
  imported: "Imported",
  review: "Review",
};
const ORDERS = [
  ["", "Newest first"],
  ["oldest", "Oldest first"],
  ["margin", "Most doubtful first"],
  ["probability", "Surest first"],
] as const;

interface FacetProps {
  view: View;
  facets: Facets | undefined;
  taxonomy: Taxonomy;
  role: Role | undefined;
  go: (next: Partial<View>) => void;
}

interface Row {
  readonly value: string;
  readonly text: string;
  readonly n: number;
  readonly hue?: number;
}

export function FacetRail({ view, facets, taxonomy, role, go }: FacetProps) {
  const set = (name: Filter, value: string): void => {
    const { [name]: old, ...others } = view.filters;
    go({ text: "", like: null, filters: old === value || value === "" ? others : { ...others, [name]: value } });
  };
  const categoryRows = (counts: Facets["categories"]): Row[] =>
    counts.flatMap(({ id, count: n }) => {
      const category = taxonomy.byId.get(id);
      return category ? [{ value: String(id), text: category.name, n, hue: category.hue }] : [];
    });
  const named = (counts: Readonly<Record<string, number>>, names: Readonly<Record<string, string>>): Row[] =>
    Object.entries(names).flatMap(([value, text]) => (counts[value] ? [{ value, text, n: counts[value] }] : []));
  const active = Object.keys(view.filters).length > 0;

  return (
    <aside class={`facets ${isSearch(view) ? "facets-resting" : ""}`} aria-label="Filters">
      <Select
        label="Order"
        value={view.filters.order ?? ""}
        options={ORDERS}
        onChange={(value) => set("order", value)}
      />
      {view.filters.changed && <p class="facet-note small">What the model sees differently since a correction.</p>}
      {mayReview(role) && (
        <label class="facet-check" title="Images known for certain: hidden among the tiles, they measure attention">
          <input
            type="checkbox"
            checked={view.filters.gold === "true"}
            onChange={(event) => set("gold", event.currentTarget.checked ? "true" : "")}
          />
          Gold only
        </label>
      )}
      {facets && (
        <>
          <Facet title="State" name="state" rows={named(facets.state, STATES)} view={view} set={set} />
          <Facet title="Labelled as" name="category" rows={categoryRows(facets.categories)} view={view} set={set} />
          <Facet title="Predicted as" name="predicted" rows={categoryRows(facets.predicted)} view={view} set={set} />
          <Facet title="Evidence" name="evidence" rows={named(facets.evidence, EVIDENCE)} view={view} set={set} />
          <Facet
            title="Labelled by"
            name="annotator"
            rows={facets.annotators.map(({ id, username, count: n }) => ({
              value: String(id),
              text: username ?? `#${id}`,
              n,
            }))}
            view={view}
            set={set}
          />
        </>
      )}
      {active && (
        <Button kind="quiet" icon="close" onClick={() => go({ filters: {} })}>
          Clear filters
        </Button>
      )}
    </aside>
  );
}

interface OneFacetProps {
  title: string;
  name: Filter;
  rows: readonly Row[];
  view: View;
  set: (name: Filter, value: string) => void;
}

function Facet({ title, name, rows, view, set }: OneFacetProps) {
  if (rows.length === 0) return null;
  return (
    <section class="facet">
      <h2>{title}</h2>
      <ul>
        {rows.map(({ value, text, n, hue }) => (
          <li key={value}>
            <button
              type="button"
              class="facet-row"
              aria-pressed={view.filters[name] === value}
              onClick={() => set(name, value)}
            >
              {hue !== undefined && <Dot hue={hue} />}
              <span class="facet-text">{text}</span>
              <span class="facet-n">{count(n)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
