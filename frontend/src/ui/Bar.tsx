import "./bar.css";

interface Part {
  readonly value: number;
  readonly tone: "confirmed" | "predicted" | "waiting" | "danger";
  readonly label: string;
}

/** One line that shows the shares of a whole; the words beside it carry the meaning. */
export function Bar({ parts, total, height = 10 }: { parts: readonly Part[]; total: number; height?: number }) {
  const whole = Math.max(total, 1);
  return (
    <div
      class="bar"
      style={{ height: `${height}px` }}
      role="img"
      aria-label={parts.map((part) => `${part.label}: ${part.value} of ${total}`).join(", ")}
    >
      {parts.map((part) => (
        <span
          key={part.label}
          class={`bar-${part.tone}`}
          style={{ width: `${Math.min((part.value / whole) * 100, 100)}%` }}
        />
      ))}
    </div>
  );
}

export function Progress({ done, total, label }: { done: number; total: number; label: string }) {
  return (
    <div
      class="bar"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={Math.max(total, 1)}
      aria-valuenow={done}
      style={{ height: "6px" }}
    >
      <span class="bar-confirmed" style={{ width: `${Math.min((done / Math.max(total, 1)) * 100, 100)}%` }} />
    </div>
  );
}
