import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import "./field.css";

interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "password" | "search" | "number";
  name?: string;
  placeholder?: string;
  autocomplete?: string;
  required?: boolean;
  readOnly?: boolean;
  focus?: boolean;
  maxLength?: number;
  hint?: ComponentChildren;
  error?: string | undefined;
}

/** A labelled text field; what is wrong with it is said beneath it and read out with it. */
export function Field({ label, value, onInput, hint, error, focus, type = "text", ...rest }: FieldProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (focus) input.current?.focus();
  }, [focus]);
  const note = error || hint;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        ref={input}
        id={id}
        class="input"
        type={type as "text"}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
        {...(error ? { "aria-invalid": "true" as const } : {})}
        {...(note ? { "aria-describedby": `${id}-note` } : {})}
        {...(focus ? { "data-focus": true } : {})}
        {...rest}
      />
      {note && (
        <p id={`${id}-note`} class={`small ${error ? "danger" : "faint"}`}>
          {note}
        </p>
      )}
    </div>
  );
}

interface SelectProps<T extends string> {
  label: string;
  hideLabel?: boolean;
  value: T;
  disabled?: boolean;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

export function Select<T extends string>({ label, hideLabel, value, disabled, options, onChange }: SelectProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={hideLabel ? "visually-hidden" : ""}>
        {label}
      </label>
      <select
        id={id}
        class="input"
        value={value}
        disabled={disabled ?? false}
        onChange={(event) => onChange(event.currentTarget.value as T)}
      >
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
