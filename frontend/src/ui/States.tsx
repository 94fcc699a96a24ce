import type { ComponentChildren } from "preact";
import { Button } from "./Button";
import "./states.css";

/** Something went wrong with reading; what is on screen stays usable. */
export function Failed({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  return (
    <div class="notice notice-danger" role="alert">
      <span>{error.message}</span>
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}

export function Notice({
  tone = "plain",
  children,
}: {
  tone?: "plain" | "warn" | "danger";
  children: ComponentChildren;
}) {
  return <div class={`notice notice-${tone}`}>{children}</div>;
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h1>{title}</h1>
      {children}
    </div>
  );
}
