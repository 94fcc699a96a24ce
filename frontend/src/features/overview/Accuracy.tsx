import type { Overview } from "@/api/types";
import { count, percent } from "@/core/format";
import { Progress } from "@/ui/Bar";
import { Curve } from "@/ui/Curve";

/** How right the model is where nobody was helped by it, or an honest "not yet known". */
export function Accuracy({ data }: { data: Overview }) {
  const { accuracy, accuracy_history: history } = data;
  const known = accuracy.value !== null && accuracy.low !== null && accuracy.high !== null;
  return (
    <section class="accuracy">
      <h2>Accuracy</h2>
      {known ? (
        <>
          <p class="accuracy-value">
            <strong>{percent(accuracy.value ?? 0)}</strong>
            <span class="muted">
              {percent(accuracy.low ?? 0)} to {percent(accuracy.high ?? 0)}
            </span>
          </p>
          <p class="small muted">
            On {count(accuracy.n)} images drawn at random and labelled without seeing a suggestion;{" "}
            {percent(accuracy.level, 0)} interval.
          </p>
        </>
      ) : (
        <>
          <p class="accuracy-value">
            <strong class="accuracy-unknown">Not yet known</strong>
            <span class="muted">
              {count(accuracy.n)} of {count(accuracy.n + accuracy.needed)} audited
            </span>
          </p>
          <Progress done={accuracy.n} total={accuracy.n + accuracy.needed} label="Audited images" />
          <p class="small muted">
            Some images are drawn at random and labelled blind, without a suggestion. They tell how right the model is.
          </p>
        </>
      )}
      {history.length > 1 && (
        <Curve
          label="Accuracy against the number of labels"
          points={history.map((point) => ({ x: point.n_labels, value: point.value, low: point.low, high: point.high }))}
        />
      )}
    </section>
  );
}
