import { signal } from "@preact/signals";

const KEY = "winnow.letters";

/** Whether letters strike the tiles that carry them. Otherwise they begin the name of a category. */
export const lettered = signal(localStorage.getItem(KEY) !== "off");

export function letterTiles(on: boolean): void {
  lettered.value = on;
  localStorage.setItem(KEY, on ? "on" : "off");
}
