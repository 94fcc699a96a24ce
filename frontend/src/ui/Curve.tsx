import { percent } from "@/core/format";
import "./curve.css";

export interface CurvePoint {
  readonly x: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const W = 560;
const H = 120;
const LEFT = 40;
const BOTTOM = 20;

/** Labels against accuracy, with the band in which the truth lies nineteen times of twenty. */
export function Curve({ points, label }: { points: readonly CurvePoint[]; label: string }) {
  const most = Math.max(...points.map((point) => point.x), 1);
  const floor = Math.floor(Math.min(...points.map((point) => point.low)) * 10) / 10;
  const x = (value: number): number => LEFT + (value / most) * (W - LEFT - 8);
  const y = (value: number): number => 8 + (1 - (value - floor) / (1 - floor || 1)) * (H - BOTTOM - 8);
  const line = points.map((point, at) => `${at === 0 ? "M" : "L"}${x(point.x)} ${y(point.value)}`).join("");
  const upper = points.map((point, at) => `${at === 0 ? "M" : "L"}${x(point.x)} ${y(point.high)}`).join("");
  const lower = [...points]
    .reverse()
    .map((point) => `L${x(point.x)} ${y(point.low)}`)
    .join("");
  const last = points.at(-1);
  return (
    <svg class="curve" viewBox={`0 0 ${W} ${H}`} role="img" aria-label={label}>
      {[floor, (1 + floor) / 2, 1].map((tick) => (
        <g key={tick}>
          <line x1={LEFT} x2={W - 8} y1={y(tick)} y2={y(tick)} class="curve-grid" />
          <text x={LEFT - 8} y={y(tick) + 4} text-anchor="end">
            {percent(tick, 0)}
          </text>
        </g>
      ))}
      <path d={`${upper}${lower}Z`} class="curve-band" />
      <path d={line} class="curve-line" />
      {last && <circle cx={x(last.x)} cy={y(last.value)} r="3.5" class="curve-now" />}
      <text x={LEFT} y={H - 2}>
        0 labels
      </text>
      <text x={W - 8} y={H - 2} text-anchor="end">
        {most}
      </text>
    </svg>
  );
}

/** Where the accuracy of one category probably lies, on a line from 0 to 1. */
export function IntervalLine({ low, value, high }: { low: number; value: number; high: number }) {
  return (
    <svg class="interval" viewBox="0 0 100 12" role="img" aria-label={`${percent(low)} to ${percent(high)}`}>
      <line x1="0" x2="100" y1="6" y2="6" class="curve-grid" />
      <line x1={low * 100} x2={high * 100} y1="6" y2="6" class="interval-band" />
      <circle cx={value * 100} cy="6" r="3" class="curve-now" />
    </svg>
  );
}
