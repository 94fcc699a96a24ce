import { useRoute } from "preact-iso";
import { type Costs, type Curve, type HowMuchMore, insights } from "@/api/insights";
import { useResource } from "@/api/resource";
import { type Taxonomy, useProject, useTaxonomy } from "@/api/shared";
import { bestBuys, minutesText, minutesTo, missing, verdict } from "@/core/effort";
import { count, percent } from "@/core/format";
import { mayReview } from "@/core/roles";
import { Dot } from "@/ui/Category";
import { Curve as CurvePlot } from "@/ui/Curve";
import { Failed, Notice } from "@/ui/States";
import { Wide } from "@/ui/Wide";
import { Measured } from "./Measured";
import { InsightHead } from "./Tabs";
import { GRADES, pace } from "./words";

const BEST = 8;

/** What labels cost in people's time, how many more a goal takes, and where the next hour does most. */
export default function Cost() {
  const { params } = useRoute();
  const project = Number(params.id);
  const may = mayReview(useProject(project).data?.role);
  const taxonomy = useTaxonomy(project);
  const costs = useResource(`cost/${project}`, (signal) => insights.costs(project, signal), ["annotations"]);
  const more = useResource(`learning-curve/${project}`, (signal) => insights.howMuchMore(project, signal), [
    "insights",
    "jobs",
  ]);
  const seconds = costs.data?.teaching.seconds ?? null;
  return (
    <div class="page">
      <InsightHead project={project} title="Cost">
        People's time behind each label, and what more of it would buy.
      </InsightHead>
      {costs.error && <Failed error={costs.error} onRetry={costs.reload} />}
      {more.error && <Failed error={more.error} onRetry={more.reload} />}
      {costs.data && <Spent costs={costs.data} />}
      {more.data && (
        <section class="insight-part">
          <div class="spread">
            <h2>How much more</h2>
            <Measured
              reading={more.data}
              first="Measure the learning curve"
              again="Measure again"
              may={may}
              start={() => insights.fitCurve(project)}
            />
          </div>
          {more.data.curve === null ? (
            <p class="muted">
              The curve is drawn through models taught by the first few labels, more, and all of them, each judged on
              the blind share. It takes labels of two categories and twenty blind answers.
            </p>
          ) : (
            <HowOn curve={more.data.curve} seconds={seconds} />
          )}
        </section>
      )}
      {more.data?.curve && <NextHour more={more.data} taxonomy={taxonomy} project={project} />}
    </div>
  );
}

function Spent({ costs }: { costs: Costs }) {
  const { grades, total } = costs;
  if (grades.length === 0) {
    return <p class="muted">Nothing is labelled yet; with the first labels it shows what they cost.</p>;
  }
  return (
    <section>
      <p class="told">
        <strong>{minutesText(total.minutes)}</strong>{" "}
        <span class="muted">
          for {count(total.labels)} labels{total.seconds !== null && `, ${pace(total.seconds * 1000)} each`}
        </span>
      </p>
      <Wide label="Cost by evidence">
        <table class="figures-table">
          <thead>
            <tr>
              <th scope="col">How labels came to be</th>
              <th scope="col" class="number">
                Labels
              </th>
              <th scope="col" class="number">
                People's time
              </th>
              <th scope="col" class="number">
                A label
              </th>
            </tr>
          </thead>
          <tbody>
            {grades.map((grade) => (
              <tr key={grade.evidence}>
                <th scope="row">{GRADES[grade.evidence]}</th>
                <td class="number">{count(grade.labels)}</td>
                <td class="number">{grade.minutes > 0 ? minutesText(grade.minutes) : "–"}</td>
                <td class="number">{grade.seconds === null ? "–" : pace(grade.seconds * 1000)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <p class="small faint">
        Pauses are left out; what was skipped counts. Labels accepted unseen cost the audits that prove them.
      </p>
    </section>
  );
}

function HowOn({ curve, seconds }: { curve: Curve; seconds: number | null }) {
  if (curve.now === null || curve.gain === null) {
    return (
      <p class="muted">
        Not yet known: it takes 20 blind answers and labels enough for three sizes; there are {count(curve.n)} and{" "}
        {count(curve.labels)}.
      </p>
    );
  }
  const told = verdict(curve.gain);
  return (
    <>
      <Notice>{told.text}</Notice>
      <CurvePlot
        points={curve.points.map(({ labels, ...rest }) => ({ x: labels, ...rest }))}
        label={`Accuracy on ${count(curve.n)} blind images by number of labels`}
      />
      <Wide label="Labels to a goal">
        <table class="figures-table">
          <thead>
            <tr>
              <th scope="col">Accuracy</th>
              <th scope="col">It takes</th>
              <th scope="col" class="number">
                People's time
              </th>
              <th scope="col" class="number">
                Ever reached
              </th>
            </tr>
          </thead>
          <tbody>
            {curve.targets.map((target) => (
              <tr key={target.accuracy}>
                <th scope="row">{percent(target.accuracy, 0)}</th>
                <td>{missing(target, curve.labels)}</td>
                <td class="number">{minutesTo(target, curve.labels, seconds)}</td>
                <td class="number">{percent(target.chance, 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <p class="small faint">
        Labels are best guesses with a 90 % interval, if they go on being chosen as they were; taught by{" "}
        {count(curve.labels)}, judged on {count(curve.n)} blind answers.
      </p>
    </>
  );
}

function NextHour({ more, taxonomy, project }: { more: HowMuchMore; taxonomy: Taxonomy; project: number }) {
  const { known, unknown } = bestBuys(more.categories);
  if (known.length + unknown.length === 0) return null;
  return (
    <section class="insight-part">
      <h2>Where the next hour does most</h2>
      {known.length > 0 && (
        <ul class="confused">
          {known.slice(0, BEST).map((one) => (
            <li key={one.category}>
              <a class="named" href={`/p/${project}/images?state=unlabeled&predicted=${one.category}`}>
                <Dot hue={taxonomy.byId.get(one.category)?.hue ?? 0} />
                {taxonomy.byId.get(one.category)?.name ?? "?"}
              </a>
              <span class="small muted">
                +{(one.points * 100).toFixed(1)} points of the whole; {percent(one.now?.value ?? 0, 0)} now on{" "}
                {count(one.n)} blind answers
              </span>
            </li>
          ))}
        </ul>
      )}
      {unknown.length > 0 && (
        <p class="small muted">
          Not yet known, for want of blind answers:{" "}
          {unknown.map(({ category }) => taxonomy.byId.get(category)?.name ?? "?").join(", ")}.
        </p>
      )}
    </section>
  );
}
