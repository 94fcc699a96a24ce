import { useLayoutEffect, useRef } from "preact/hooks";
import type { Pictures } from "./useDesk";

/** One tile's image, whole. The decoded element itself is put on the page, so showing it is one paint. */
export function Picture({ url, name, pictures }: { url: string; name: string; pictures: Pictures }) {
  const frame = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    const ready = pictures.ready(url);
    if (ready !== undefined) {
      frame.current?.replaceChildren(ready);
      return;
    }
    frame.current?.replaceChildren();
    let current = true;
    pictures.get(url).then(
      (picture) => current && frame.current?.replaceChildren(picture),
      () => current && frame.current?.replaceChildren(name), // the name stands where the image cannot
    );
    return () => {
      current = false;
    };
  }, [url, name, pictures]);
  return <span ref={frame} class="tile-picture" />;
}
