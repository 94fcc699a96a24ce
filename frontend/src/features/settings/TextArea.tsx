import { useId } from "preact/hooks";

interface Props {
  label: string;
  value: string;
  onInput: (value: string) => void;
  rows: number;
  placeholder?: string;
  hint?: string;
  error?: string | undefined;
}

/** A labelled box for several lines, in the manner of `Field`. */
export function TextArea({ label, value, onInput, rows, placeholder = "", hint, error }: Props) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        class="input settings-text"
        rows={rows}
        value={value}
        placeholder={placeholder}
        aria-invalid={error !== undefined}
        onInput={(event) => onInput(event.currentTarget.value)}
        {...(note === undefined ? {} : { "aria-describedby": `${id}-note` })}
      />
      {note !== undefined && (
        <p id={`${id}-note`} class={`small ${error === undefined ? "faint" : "danger"}`}>
          {note}
        </p>
      )}
    </div>
  );
}
