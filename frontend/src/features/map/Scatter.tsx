import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Camera, inside, type MapData, nearest, placeAt, wholeMap, zoomed } from "@/core/map";
import { Button } from "@/ui/Button";
import { type Painter, painterOf } from "./points";

interface ScatterProps {
  data: MapData;
  colors: (element: HTMLElement) => Uint8Array;
  /** Changes when `colors` would answer otherwise. */
  colorKey: string;
  lasso: boolean;
  onLasso: (rows: readonly number[]) => void;
  onHover: (row: number, x: number, y: number) => void;
  onOpen: (row: number) => void;
  label: string;
}

const REACH_PX = 9;
const CLICK_PX = 4;
const WHEEL = 0.0015;
const ZOOM_STEP = 1.6;

type Pixel = readonly [number, number];
type Gesture =
  | { readonly kind: "none" }
  | { readonly kind: "move"; readonly from: Pixel; readonly camera: Camera }
  | { readonly kind: "lasso"; readonly line: readonly Pixel[] };

const pointSize = (camera: Camera, count: number): number =>
  Math.min(14, Math.max(2.5, (camera.side / 160) * Math.min(2, 60 / Math.sqrt(count)))) * devicePixelRatio;

/** The map itself: drag to move, wheel to come closer, lasso (or Shift and drag) to take what lies inside. */
export function Scatter({ data, colors, colorKey, lasso, onLasso, onHover, onOpen, label }: ScatterProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const painter = useRef<Painter | null>(null);
  const [camera, setCamera] = useState<Camera | null>(null);
  const [gesture, setGesture] = useState<Gesture>({ kind: "none" });
  const [supported, setSupported] = useState(true);
  const box = (): { width: number; height: number } => ({
    width: canvas.current?.clientWidth || 1,
    height: canvas.current?.clientHeight || 1,
  });

  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element) return;
    painter.current = painterOf(element);
    setSupported(painter.current !== null);
    const sized = new ResizeObserver(() => {
      element.width = Math.round(element.clientWidth * devicePixelRatio);
      element.height = Math.round(element.clientHeight * devicePixelRatio);
      setCamera((now) => ({ ...(now ?? wholeMap(element.clientWidth, element.clientHeight)) }));
    });
    sized.observe(element);
    return () => {
      sized.disconnect();
      painter.current?.close();
    };
  }, []);
  useEffect(() => painter.current?.places(data.places), [data]);
  // the key stands for what `colors` closes over
  useEffect(() => {
    if (canvas.current) painter.current?.colors(colors(canvas.current));
  }, [colorKey, data]);
  useEffect(() => {
    if (!camera) return;
    const frame = requestAnimationFrame(() => {
      painter.current?.draw({ ...camera, side: camera.side * devicePixelRatio }, pointSize(camera, data.count));
    });
    return () => cancelAnimationFrame(frame);
  }, [camera, colorKey, data]);

  const closer = (factor: number, at?: Pixel): void => {
    const { width, height } = box();
    setCamera((now) => now && zoomed(now, width, height, factor, ...(at ?? [])));
  };
  useEffect(() => {
    const element = canvas.current;
    const wheel = (event: WheelEvent): void => {
      event.preventDefault();
      closer(Math.exp(-event.deltaY * WHEEL), [event.offsetX, event.offsetY]);
    };
    element?.addEventListener("wheel", wheel, { passive: false });
    return () => element?.removeEventListener("wheel", wheel);
  });

  const mapped = ([x, y]: Pixel): [number, number] => {
    const { width, height } = box();
    return camera ? placeAt(camera, width, height, x, y) : [0, 0];
  };
  const near = (at: Pixel): number => {
    if (!camera) return -1;
    const [x, y] = mapped(at);
    return nearest(data.places, x, y, (REACH_PX / camera.side) * 65_535);
  };
  const down = (event: PointerEvent): void => {
    if (event.button !== 0 || !camera) return;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    const at: Pixel = [event.offsetX, event.offsetY];
    setGesture(lasso || event.shiftKey ? { kind: "lasso", line: [at] } : { kind: "move", from: at, camera });
    onHover(-1, 0, 0);
  };
  const move = (event: PointerEvent): void => {
    const at: Pixel = [event.offsetX, event.offsetY];
    if (gesture.kind === "lasso") setGesture({ kind: "lasso", line: [...gesture.line, at] });
    else if (gesture.kind === "move") {
      const scale = 65_535 / gesture.camera.side;
      const [dx, dy] = [(at[0] - gesture.from[0]) * scale, (at[1] - gesture.from[1]) * scale];
      setCamera({ ...gesture.camera, x: gesture.camera.x - dx, y: gesture.camera.y - dy });
    } else onHover(near(at), ...at);
  };
  const up = (event: PointerEvent): void => {
    const at: Pixel = [event.offsetX, event.offsetY];
    if (gesture.kind === "lasso") onLasso(inside(data.places, gesture.line.map(mapped)));
    if (gesture.kind === "move" && Math.hypot(at[0] - gesture.from[0], at[1] - gesture.from[1]) < CLICK_PX) {
      const row = near(at);
      if (row >= 0) onOpen(row);
    }
    setGesture({ kind: "none" });
  };

  if (!supported) return <p class="map-none">This browser draws no WebGL 2, which the map needs.</p>;
  return (
    <div class={`map-scatter ${lasso ? "map-lassoing" : ""}`}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={label}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerLeave={() => onHover(-1, 0, 0)}
      />
      {gesture.kind === "lasso" && (
        <svg class="map-line" aria-hidden="true">
          <polygon points={gesture.line.map((at) => at.join(",")).join(" ")} />
        </svg>
      )}
      <div class="map-zoom">
        <Button kind="plain" icon="plus" aria-label="Closer" onClick={() => closer(ZOOM_STEP)} />
        <Button kind="plain" aria-label="Farther" onClick={() => closer(1 / ZOOM_STEP)}>
          −
        </Button>
        <Button
          kind="plain"
          aria-label="1:1, the whole map"
          onClick={() => {
            const { width, height } = box();
            setCamera(wholeMap(width, height));
          }}
        >
          1:1
        </Button>
      </div>
    </div>
  );
}
