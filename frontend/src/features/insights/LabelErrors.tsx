import { useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { type Doubt, type LabelErrors as Found, insights } from "@/api/insights";
import { useResource } from "@/api/resource";
import { type Taxonomy, useProject, useTaxonomy } from "@/api/shared";
import { count, plural } from "@/core/format";
import { mayReview } from "@/core/roles";
import { LinkButton } from "@/ui/Button";
import { Dot } from "@/ui/Category";
import { Empty, Failed } from "@/ui/States";
import { Measured } from "./Measured";
import { Suspects } from "./Suspects";
import { InsightHead } from "./Tabs";

const DOUBTS: readonly { doubt: Doubt; title: string; none: string }[] = [
  { doubt: "error", title: "Likely errors", none: "The model doubts no label that is still undecided." },
  { doubt: "duplicate", title: "Twins that differ", none: "Near-duplicates all carry the same label." },
  { doubt: "outlier", title: "Like nothing else", none: "Every labelled image resembles others." },
];

/** Confirmed labels that are probably wrong, decided one by one with the keyboard. */
export default function LabelErrors() {
  const { params } = useRoute();
  const project = Number(params.id);
  const role = useProject(project).data?.role;
  if (role !== undefined && !mayReview(role)) {
    return (
      <Empty title="Doubted labels are for reviewers">
        <p>An owner can make you one. Until then, labelling helps most.</p>
        <LinkButton href={`/p/${project}/label`}>Label</LinkButton>
      </Empty>
    );
  }
  return role === undefined ? null : <Doubted project={project} />;
}

function Doubted({ project }: { project: number }) {
  const [doubt, setDoubt] = useState<Doubt>("error");
  const taxonomy = useTaxonomy(project);
  const { data, error, reload } = useResource(
    `label-errors/${project}/${doubt}`,
    (signal) => insights.labelErrors(project, doubt, null, 1, signal),
    ["insights", "annotations", "jobs"],
  );
  const chosen = DOUBTS.find((one) => one.doubt === doubt);
  return (
    <div class="page">
      <InsightHead
        project={project}
        title="Label errors"
        act={
          data && (
            <Measured
              reading={data}
              first="Look for errors"
              again="Look again"
              may
              start={() => insights.findErrors(project)}
            />
          )
        }
      >
        Each confirmed label is judged by a model that has not seen it, nor a near-duplicate of it.
      </InsightHead>
      {error && <Failed error={error} onRetry={reload} />}
      {data && data.at === null && (
        <p class="muted">
          Nothing was looked through yet. It takes seconds for thousands of labels; blind images are left out, because
          they measure the model.
        </p>
      )}
      {data && data.at !== null && (
        <>
          <fieldset class="row doubts">
            <legend class="visually-hidden">What to look at</legend>
            {DOUBTS.map((one) => (
              <button
                key={one.doubt}
                type="button"
                class="doubt"
                aria-pressed={one.doubt === doubt}
                onClick={() => setDoubt(one.doubt)}
              >
                {one.title} <span class="faint">{count(data.counts[one.doubt] ?? 0)}</span>
              </button>
            ))}
          </fieldset>
          {(data.counts[doubt] ?? 0) === 0 && <p class="muted">{chosen?.none}</p>}
          <Suspects key={`${doubt}/${data.at}`} project={project} doubt={doubt} at={data.at} taxonomy={taxonomy} />
          <p class="small faint">
            {plural(data.labels, "confirmed label")} looked through, {count(data.judged)} of them judged.
          </p>
          <Ambiguous project={project} found={data} taxonomy={taxonomy} />
        </>
      )}
    </div>
  );
}

function Ambiguous({ project, found, taxonomy }: { project: number; found: Found; taxonomy: Taxonomy }) {
  const shown = found.ambiguous.filter(({ first, second }) => taxonomy.byId.has(first) && taxonomy.byId.has(second));
  if (shown.length === 0) return null;
  return (
    <section class="insight-part">
      <h2>Categories that run into each other</h2>
      <p class="small muted">Labels of one that the model is confident are the other: a better description may help.</p>
      <ul class="confused">
        {shown.map(({ first, second, first_as_second, second_as_first }) => {
          const [one, other] = [taxonomy.byId.get(first), taxonomy.byId.get(second)];
          return (
            <li key={`${first}/${second}`}>
              <a class="named" href={`/p/${project}/images?category=${first}&predicted=${second}`}>
                <Dot hue={one?.hue ?? 0} />
                {one?.name} <span class="faint">as</span> {other?.name}: {count(first_as_second)}
              </a>
              <a class="named" href={`/p/${project}/images?category=${second}&predicted=${first}`}>
                <Dot hue={other?.hue ?? 0} />
                {other?.name} <span class="faint">as</span> {one?.name}: {count(second_as_first)}
              </a>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
