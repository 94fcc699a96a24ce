import { effect, signal } from "@preact/signals";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "winnow.theme";
const stored = localStorage.getItem(KEY) as Theme | null;

export const theme = signal<Theme>(stored !== null && THEMES.includes(stored) ? stored : "system");

/** Labelling pages are dark unless a person chose light: images are judged better on neutral dark grey. */
export const labeling = signal(false);

export function applyTheme(): void {
  effect(() => {
    const chosen = theme.value === "system" && labeling.value ? "dark" : theme.value;
    if (chosen === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    localStorage.setItem(KEY, theme.value);
  });
}
