import { type Agreement, type Annotator, insights, type Pair } from "@/api/insights";
import type { Taxonomy } from "@/api/shared";
import { count, percent, plural } from "@/core/format";
import { Dot } from "@/ui/Category";
import { Wide } from "@/ui/Wide";
import { Measured } from "./Measured";

interface AgreementProps {
  project: number;
  agreement: Agreement;
  people: readonly Annotator[];
  taxonomy: Taxonomy;
  may: boolean;
}

/** How far people agree beyond chance: all of them, two by two, and about what. */
export function AgreementPart({ project, agreement, people, taxonomy, may }: AgreementProps) {
  const { alpha, fleiss } = agreement;
  return (
    <section class="insight-part">
      <div class="spread">
        <h2>Agreement</h2>
        <Measured
          reading={agreement}
          first="Measure agreement"
          again="Measure again"
          may={may}
          start={() => insights.measure(project)}
        />
      </div>
      {agreement.at !== null && agreement.images === 0 && (
        <p class="muted">
          No image has been labelled by two people on their own. Set an overlap of two or more in{" "}
          <a href={`/p/${project}/settings`}>Settings</a>, and this fills itself.
        </p>
      )}
      {alpha && (
        <p class="told">
          <strong>{alpha.value.toFixed(2)}</strong> <span class="muted">Krippendorff's alpha</span>{" "}
          <span class="small faint">
            {alpha.low.toFixed(2)} to {alpha.high.toFixed(2)}, {verdict(alpha.low)}; {plural(agreement.images, "image")}{" "}
            with two or more opinions
          </span>
        </p>
      )}
      {fleiss && (
        <p class="small muted">
          Fleiss' kappa {fleiss.value.toFixed(2)} ({fleiss.low.toFixed(2)} to {fleiss.high.toFixed(2)}) over the{" "}
          {plural(fleiss.images, "image")} with {count(fleiss.people)} opinions each.
        </p>
      )}
      {agreement.undecided !== null && agreement.undecided > 0 && (
        <p class="small muted">
          {plural(agreement.undecided, "image")} still undecided when everybody's confusions are weighed together.
        </p>
      )}
      {agreement.pairs.length > 0 && may && <PairMatrix pairs={agreement.pairs} people={people} />}
      {agreement.pairs.length > 0 && !may && <OwnPairs pairs={agreement.pairs} />}
      <Confused project={project} agreement={agreement} taxonomy={taxonomy} />
    </section>
  );
}

/** Krippendorff's own reading of the lower end. */
const verdict = (low: number): string =>
  low >= 0.8 ? "reliable" : low >= 0.667 ? "good enough for tentative conclusions" : "not reliable yet";

function PairMatrix({ pairs, people }: { pairs: readonly Pair[]; people: readonly Annotator[] }) {
  const present = people.filter(({ id }) => pairs.some(({ first, second }) => first === id || second === id));
  const at = new Map(pairs.flatMap((pair) => [[key(pair.first, pair.second), pair] as const]));
  return (
    <Wide label="Agreement of each two people">
      <table class="figures-table heat">
        <caption class="small muted one-line">
          Cohen's kappa of each two people, and how many images they share.
        </caption>
        <thead>
          <tr>
            <td />
            {present.slice(1).map(({ id, username }) => (
              <th key={id} scope="col" class="number">
                {username}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {present.slice(0, -1).map((one, row) => (
            <tr key={one.id}>
              <th scope="row">{one.username}</th>
              {present.slice(1).map((other, column) => (
                <PairCell key={other.id} pair={column < row ? undefined : at.get(key(one.id, other.id))} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

const key = (one: number | null, other: number | null): string =>
  [one ?? 0, other ?? 0].sort((a, b) => a - b).join("/");

function PairCell({ pair }: { pair: Pair | undefined }) {
  if (pair === undefined) return <td />;
  const { kappa } = pair;
  if (kappa === null) {
    return (
      <td class="number faint" title={`${count(pair.agreed)} of ${plural(pair.images, "image")} the same`}>
        – <span class="small">{count(pair.images)}</span>
      </td>
    );
  }
  return (
    <td
      class="number heat-cell"
      style={{ "--heat": String(Math.max(0, Math.round(kappa.value * 100))) }}
      title={`${kappa.low.toFixed(2)} to ${kappa.high.toFixed(2)}`}
    >
      {kappa.value.toFixed(2)} <span class="small">{count(pair.images)}</span>
    </td>
  );
}

function OwnPairs({ pairs }: { pairs: readonly Pair[] }) {
  return (
    <ul class="small own-pairs">
      {pairs.map((pair, at) => (
        <li key={at}>
          You and another person: {count(pair.agreed)} of {plural(pair.images, "image")} the same
          {pair.kappa && `, kappa ${pair.kappa.value.toFixed(2)}`}.
        </li>
      ))}
    </ul>
  );
}

function Confused({ project, agreement, taxonomy }: { project: number; agreement: Agreement; taxonomy: Taxonomy }) {
  const shown = agreement.confused.filter(({ first, second }) => taxonomy.byId.has(first) && taxonomy.byId.has(second));
  if (shown.length === 0) return null;
  const all = agreement.images;
  return (
    <>
      <h3>Told apart with difficulty</h3>
      <ul class="confused">
        {shown.map(({ first, second, images }) => (
          <li key={`${first}/${second}`}>
            <Named project={project} taxonomy={taxonomy} category={first} />
            <span class="faint">or</span>
            <Named project={project} taxonomy={taxonomy} category={second} />
            <span class="small muted">
              {plural(images, "image")}, {percent(images / Math.max(all, 1))} of those with two opinions
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Named({ project, taxonomy, category }: { project: number; taxonomy: Taxonomy; category: number }) {
  const found = taxonomy.byId.get(category);
  return (
    <a class="named" href={`/p/${project}/images?category=${category}`}>
      <Dot hue={found?.hue ?? 0} />
      {found?.name}
    </a>
  );
}
