import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LabelingPage } from "@/api/page-types";
import { type Room, type TileFit, tilesFit, tilesMost } from "@/core/tiles";

export const GAP = 8;
const MARGIN = 16;
/** What stands above and below the tiles; the style sheet reads the same numbers. */
const HEAD = { wide: 92, narrow: 96 };
const FOOT = { wide: 104, narrow: 204 };
const NARROW = 720;
/** Smaller than this and a tile can be neither judged nor hit. */
const SMALLEST = { fine: 104, coarse: 112, phone: 84 };
/** Longest side of the small copy of an image that the server keeps. */
const THUMB = 256;

/** Measures the window and says what fits into it. */
export class Screen {
  #box: Room = { width: innerWidth, height: innerHeight };

  resize(box: Room): boolean {
    if (box.width === this.#box.width && box.height === this.#box.height) return false;
    this.#box = box;
    return true;
  }

  get head(): number {
    return this.#narrow ? HEAD.narrow : HEAD.wide;
  }

  get foot(): number {
    return this.#narrow ? FOOT.narrow : FOOT.wide;
  }

  get room(): Room {
    const { width, height } = this.#box;
    return {
      width: Math.max(width - 2 * MARGIN, 1),
      height: Math.max(height - this.head - this.foot - MARGIN, 1),
    };
  }

  get #narrow(): boolean {
    return this.#box.width < NARROW;
  }

  tilesMost(): number {
    const touched = matchMedia("(pointer: coarse)").matches;
    return tilesMost(this.room, this.#narrow ? SMALLEST.phone : touched ? SMALLEST.coarse : SMALLEST.fine, GAP);
  }

  fit(page: LabelingPage): TileFit {
    return tilesFit(this.room, page.tiles.length, GAP);
  }

  /** The small copy where it fills the tile, the large one on large or dense screens. */
  tileUrls(page: LabelingPage): string[] {
    const small = this.fit(page).edge * devicePixelRatio <= THUMB * 1.15;
    return page.tiles.map(({ image }) => (small ? image.thumb : image.display));
  }
}

/** The screen as it is, measured before the first page is leased; the component draws anew when it changes. */
export function useScreen(): { readonly screen: Screen; readonly frame: { current: HTMLDivElement | null } } {
  const screen = useMemo(() => new Screen(), []);
  const frame = useRef<HTMLDivElement>(null);
  const [, redraw] = useState(0);
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const measure = (): void => {
      const { width, height } = element.getBoundingClientRect();
      if (screen.resize({ width, height })) redraw((now) => now + 1);
    };
    measure();
    const sized = new ResizeObserver(measure);
    sized.observe(element);
    return () => sized.disconnect();
  }, [screen]);
  return { screen, frame };
}
