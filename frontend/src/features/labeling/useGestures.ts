import { useRef } from "preact/hooks";
import type { PageInput } from "@/core/entry";

const LONG_PRESS_MS = 350;
/** A finger that wanders this far did not mean the tile. */
const SLOP = 14;

export interface TileActs {
  readonly focus: (at: number) => void;
  readonly strike: (at: number) => void;
  readonly strikeRange: (from: number, to: number) => void;
  readonly choose: (at: number) => void;
  readonly zoom: (on: boolean) => void;
}

export type TileGestures = ReturnType<typeof useGestures>;

interface Pressed {
  readonly at: number;
  readonly x: number;
  readonly y: number;
  readonly input: PageInput;
  drawn: boolean;
  zoomed: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const tileAt = (event: PointerEvent | MouseEvent): number => {
  const tile = (event.target as Element | null)?.closest?.<HTMLElement>("[data-at]");
  return tile ? Number(tile.dataset.at) : -1;
};

/** The mouse: the caret follows it, a click strikes, a drawn line strikes a range, the right button gives a category.
 * The finger: a tap strikes, a long press zooms. */
export function useGestures(acts: TileActs) {
  const pressed = useRef<Pressed | null>(null);

  const end = (): Pressed | null => {
    const was = pressed.current;
    pressed.current = null;
    clearTimeout(was?.timer);
    if (was?.zoomed) acts.zoom(false);
    return was;
  };
  return {
    onPointerDown: (event: PointerEvent) => {
      const at = tileAt(event);
      if (at < 0 || event.button !== 0) return;
      const input = event.pointerType === "mouse" ? "mouse" : "touch";
      const press: Pressed = {
        at,
        x: event.clientX,
        y: event.clientY,
        input,
        drawn: false,
        zoomed: false,
        timer: undefined,
      };
      if (input === "touch") {
        press.timer = setTimeout(() => {
          press.zoomed = true;
          acts.focus(at);
          acts.zoom(true);
        }, LONG_PRESS_MS);
      }
      pressed.current = press;
    },
    onPointerMove: (event: PointerEvent) => {
      if (event.pointerType === "mouse" && event.buttons === 0) end(); // let go outside of the page
      const press = pressed.current;
      if (press?.input === "touch") {
        if (!press.zoomed && Math.hypot(event.clientX - press.x, event.clientY - press.y) > SLOP) end();
        return;
      }
      const at = tileAt(event);
      if (at < 0 || (event.movementX === 0 && event.movementY === 0)) return;
      if (press !== null && at !== press.at) {
        press.drawn = true;
        acts.strikeRange(press.at, at);
      } else if (press === null) acts.focus(at);
    },
    onPointerUp: (event: PointerEvent) => {
      const was = end();
      if (was !== null && !was.drawn && !was.zoomed && (was.input === "touch" || tileAt(event) === was.at))
        acts.strike(was.at);
    },
    onPointerCancel: () => void end(),
    onContextMenu: (event: MouseEvent) => {
      event.preventDefault();
      const at = tileAt(event);
      if (at >= 0 && pressed.current === null) acts.choose(at);
    },
  };
}
