import { useLayoutEffect, useRef } from "preact/hooks";
import type { Prefetcher } from "@/core/prefetch";
import "./stage.css";

interface StageProps {
  image: { readonly id: number; readonly display: string; readonly thumb: string; readonly name: string };
  blind?: boolean;
  pictures: Prefetcher<HTMLImageElement>;
  zoomed: boolean;
  setZoomed: (zoomed: boolean) => void;
}

const LONG_PRESS_MS = 250;

/** An image that is fetched and decoded, and so one paint away from the screen. */
export async function decoded(url: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = url;
  image.alt = "";
  image.draggable = false;
  await image.decode();
  return image;
}

/** The image at full height, whole. The decoded element itself is put on the page, so showing it is one paint. */
export function Stage({ image, blind, pictures, zoomed, setZoomed }: StageProps) {
  const frame = useRef<HTMLDivElement>(null);
  const press = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const { id, display, thumb, name } = image;

  useLayoutEffect(() => {
    const place = (picture: HTMLImageElement): void => {
      picture.alt = name;
      frame.current?.replaceChildren(picture);
    };
    const ready = pictures.ready(display);
    if (ready !== undefined) {
      place(ready);
      return;
    }
    const preview = new Image();
    preview.src = thumb;
    preview.className = "stage-preview";
    place(preview);
    let current = true;
    pictures.get(display).then(
      (picture) => current && place(picture),
      () => undefined, // the preview stays; the next look at this image tries again
    );
    return () => {
      current = false;
    };
  }, [id, display, thumb, name, pictures]);

  const point = (event: PointerEvent): void => {
    const box = frame.current?.getBoundingClientRect();
    if (!box) return;
    const x = ((event.clientX - box.left) / box.width) * 100;
    const y = ((event.clientY - box.top) / box.height) * 100;
    frame.current?.style.setProperty("transform-origin", `${x}% ${y}%`);
  };
  const release = (): void => {
    clearTimeout(press.current);
    setZoomed(false);
  };

  return (
    <div class="stage" data-image={id}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: zooming by touch; the Z key does the same */}
      <div
        ref={frame}
        class={`stage-frame ${zoomed ? "stage-zoomed" : ""}`}
        onPointerMove={point}
        onPointerDown={(event) => {
          point(event);
          press.current = setTimeout(() => setZoomed(true), LONG_PRESS_MS);
        }}
        onPointerUp={release}
        onPointerLeave={release}
        onPointerCancel={release}
        onContextMenu={(event) => event.preventDefault()}
      />
      {blind && (
        <span
          class="stage-blind"
          title="Drawn at random to measure the model: no suggestion is shown, so that your answer is your own."
        >
          blind
        </span>
      )}
    </div>
  );
}
