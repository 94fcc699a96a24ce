import type { ComponentChildren } from "preact";
import "./category.css";

/** The color of a category is a help for the eye; its name stands beside it always. */
export function Dot({ hue }: { hue: number }) {
  return <span class="dot hued" style={{ "--hue": String(hue) }} aria-hidden="true" />;
}

export function Chip({ hue, children }: { hue: number; children: ComponentChildren }) {
  return (
    <span class="chip">
      <Dot hue={hue} />
      {children}
    </span>
  );
}

/** "Family › species" without its last part. */
export function parentsOf(path: string): string {
  const parts = path.split(" › ");
  return parts.slice(0, -1).join(" › ");
}
