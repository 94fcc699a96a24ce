import type { ModelFigures, RunDetail } from "@/api/training";
import { count, percent } from "@/core/format";

const SIZE = 220;

/** Confidence against how often it was right; on the diagonal a probability means what it says. */
export function Calibration({ live, candidate }: { live: ModelFigures; candidate: ModelFigures }) {
  const place = (value: number): number => 28 + value * SIZE;
  const dots = (model: ModelFigures, kind: string) =>
    model.reliability.count.map((n, bin) => {
      const sure = model.reliability.confidence[bin];
      const right = model.reliability.accuracy[bin];
      if (!n || sure == null || right == null) return null;
      return (
        <circle key={bin} cx={place(sure)} cy={8 + (1 - right) * SIZE} r={3 + Math.sqrt(n)} class={kind}>
          <title>{`${count(n)} images, ${percent(sure, 0)} sure, ${percent(right, 0)} right`}</title>
        </circle>
      );
    });
  return (
    <figure>
      <svg width={SIZE + 48} height={SIZE + 32} role="img" aria-label="How sure the models are, and how right">
        <line x1={28} y1={8 + SIZE} x2={28 + SIZE} y2={8} class="curve-grid" />
        <rect x={28} y={8} width={SIZE} height={SIZE} class="plot-frame" />
        {dots(live, "dot-live")}
        {dots(candidate, "dot-new")}
        <text x={28} y={SIZE + 26} class="plot-text">
          0 % sure
        </text>
        <text x={28 + SIZE} y={SIZE + 26} text-anchor="end" class="plot-text">
          100 % sure
        </text>
      </svg>
      <figcaption class="small muted">
        Filled: the new model. Hollow: the live one. Larger dots stand for more images; on the line, a probability means
        what it says.
      </figcaption>
    </figure>
  );
}

const WIDE = 560;
const HIGH = 120;

/** The curves of a run while it moves: loss above, accuracy on held-out categories below. */
export function Curves({ points }: { points: RunDetail["points"] }) {
  return (
    <section class="models-part">
      <h2>Training</h2>
      {(["loss", "held_out_accuracy"] as const).map((name) => {
        const line = points.filter((point) => point.name === name);
        const last = line.at(-1);
        if (!last) return null;
        const top = Math.max(...line.map((point) => point.value));
        const low = Math.min(...line.map((point) => point.value));
        const x = (step: number): number => (step / Math.max(last.step, 1)) * (WIDE - 8);
        const y = (value: number): number => 8 + (1 - (value - low) / (top - low || 1)) * (HIGH - 16);
        const path = line.map((point, at) => `${at === 0 ? "M" : "L"}${x(point.step)} ${y(point.value)}`).join("");
        const label = name === "loss" ? "Loss" : "Accuracy on held-out categories";
        return (
          <figure key={name}>
            <figcaption class="small">
              {label}: {last.value.toFixed(3)} at step {count(last.step)}
            </figcaption>
            <svg class="curve" viewBox={`0 0 ${WIDE} ${HIGH}`} role="img" aria-label={label}>
              <path d={path} class="curve-line" />
            </svg>
          </figure>
        );
      })}
    </section>
  );
}
