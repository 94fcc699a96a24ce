import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Button } from "./Button";
import { useCommands } from "./commands";
import "./dialog.css";

interface DialogProps {
  title: string;
  onClose: (() => void) | null;
  children: ComponentChildren;
  wide?: boolean;
}

/** Silences the page beneath it; the browser keeps the focus inside. Without `onClose` it stays until it is answered. */
export function Dialog({ title, onClose, children, wide }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>("[data-focus]")?.focus();
    return () => dialog?.close();
  }, []);
  useCommands(
    "dialog",
    onClose === null ? [] : [{ id: "dialog.close", title: "Close", category: "Here", keys: ["Escape"], run: onClose }],
    { exclusive: true },
  );
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it; the click is on the empty space around
    <dialog
      ref={element}
      class={`dialog ${wide ? "dialog-wide" : ""}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onClick={(event) => event.target === element.current && onClose?.()}
    >
      <div class="dialog-body">
        <header class="spread">
          <h2>{title}</h2>
          {onClose && <Button kind="quiet" icon="close" aria-label="Close" title="Close (Esc)" onClick={onClose} />}
        </header>
        {children}
      </div>
    </dialog>
  );
}
