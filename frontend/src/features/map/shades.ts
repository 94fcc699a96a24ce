import { PLAIN, RIGHT, WRONG } from "@/core/map";

/** Colors of the style sheet as the bytes that a painter wants. */

type Rgb = readonly [number, number, number];

const PLAIN_ALPHA = 70;
const SHOWN_ALPHA = 215;
const FADED_ALPHA = 24;

/** What the browser makes of a CSS color, also of oklch and of light-dark. */
function resolver(element: HTMLElement): (color: string) => Rgb {
  const probe = document.createElement("span");
  const pixel = document.createElement("canvas");
  pixel.width = 1;
  pixel.height = 1;
  const context = pixel.getContext("2d", { willReadFrequently: true });
  return (color) => {
    element.append(probe);
    probe.style.color = color;
    const seen = getComputedStyle(probe).color;
    probe.remove();
    if (!context) return [128, 128, 128];
    context.fillStyle = seen;
    context.fillRect(0, 0, 1, 1);
    const [r = 128, g = 128, b = 128] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b];
  };
}

/** Four bytes a point: its group's color, faded where it is not among the chosen. */
export function shadesOf(
  element: HTMLElement,
  groups: Uint16Array,
  hueOf: (group: number) => number,
  chosen: (row: number) => boolean,
): Uint8Array {
  const resolve = resolver(element);
  const known = new Map<number, Rgb>([
    [PLAIN, resolve("var(--text-3)")],
    [RIGHT, resolve("var(--accent)")],
    [WRONG, resolve("var(--danger)")],
  ]);
  const bytes = new Uint8Array(groups.length * 4);
  groups.forEach((group, row) => {
    let color = known.get(group);
    if (!color) {
      color = resolve(`light-dark(oklch(0.6 0.15 ${hueOf(group)}), oklch(0.76 0.14 ${hueOf(group)}))`);
      known.set(group, color);
    }
    bytes.set(color, row * 4);
    bytes[row * 4 + 3] = chosen(row) ? (group === PLAIN ? PLAIN_ALPHA : SHOWN_ALPHA) : FADED_ALPHA;
  });
  return bytes;
}
