import { signal } from "@preact/signals";
import { Button } from "./Button";
import "./toasts.css";

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: "plain" | "danger";
  readonly action: { readonly text: string; readonly run: () => void } | undefined;
}

const toasts = signal<readonly Toast[]>([]);
let last = 0;
const STAYS_MS = 5_000;

const dismiss = (id: number): void => {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
};

/** A sentence at the edge of the screen, never over an image; what failed stays until it is read. */
export function toast(text: string, options: { tone?: Toast["tone"]; action?: Toast["action"] } = {}): void {
  last += 1;
  const id = last;
  const entry: Toast = { id, text, tone: options.tone ?? "plain", action: options.action };
  toasts.value = [...toasts.value.filter((other) => other.text !== text).slice(-2), entry];
  if (entry.tone === "plain") setTimeout(() => dismiss(id), STAYS_MS);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((entry) => (
        <div key={entry.id} class={`toast toast-${entry.tone}`}>
          <span>{entry.text}</span>
          {entry.action && (
            <Button
              kind="quiet"
              onClick={() => {
                entry.action?.run();
                dismiss(entry.id);
              }}
            >
              {entry.action.text}
            </Button>
          )}
          <Button kind="quiet" icon="close" aria-label="Dismiss" onClick={() => dismiss(entry.id)} />
        </div>
      ))}
    </div>
  );
}
