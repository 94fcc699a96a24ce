import type { ComponentChildren } from "preact";
import "./wide.css";

/** What may be wider than the window scrolls in itself, by keyboard as well. */
export function Wide({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached without a mouse
    <section class="wide" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
