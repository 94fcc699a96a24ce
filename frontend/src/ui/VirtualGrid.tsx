import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { justify, type PlacedRow, type Proportion, rowsWithin } from "@/core/justify";
import "./grid.css";

interface GridProps<T extends Proportion & { readonly id: number }> {
  items: readonly T[];
  complete: boolean;
  target: number;
  onNearEnd: () => void;
  render: (item: T, index: number) => ComponentChildren;
  label: string;
}

const GAP = 6;
const OVERSCAN = 800;

/** Rows of equal width at the images' own proportions; only what is near the window is on the page. */
export function VirtualGrid<T extends Proportion & { readonly id: number }>({
  items,
  complete,
  target,
  onNearEnd,
  render,
  label,
}: GridProps<T>) {
  const element = useRef<HTMLUListElement>(null);
  const [width, setWidth] = useState(0);
  const [window_, setWindow] = useState({ from: 0, to: 2000 });

  useLayoutEffect(() => {
    const grid = element.current;
    if (!grid) return;
    const measure = (): void => {
      const box = grid.getBoundingClientRect();
      setWidth(box.width);
      const from = Math.floor((-box.top - OVERSCAN) / 200) * 200;
      setWindow((old) => (old.from === from ? old : { from, to: from + innerHeight + 2 * OVERSCAN + 200 }));
    };
    measure();
    const sized = new ResizeObserver(measure);
    sized.observe(grid);
    addEventListener("scroll", measure, { passive: true });
    return () => {
      sized.disconnect();
      removeEventListener("scroll", measure);
    };
  }, []);

  const rows = useMemo<PlacedRow[]>(
    () => (width > 0 ? justify(items, { width, target, gap: GAP, complete }) : []),
    [items, width, target, complete],
  );
  const last = rows.at(-1);
  const height = last === undefined ? 0 : last.top + last.height;
  const nearEnd = !complete && window_.to > height - 600;
  useEffect(() => {
    if (nearEnd) onNearEnd();
  }, [nearEnd, onNearEnd, items.length]);

  return (
    <ul ref={element} class="grid" style={{ height: `${height}px` }} aria-label={label}>
      {rowsWithin(rows, window_.from, window_.to).flatMap((row) => {
        let left = 0;
        return row.widths.map((cell, at) => {
          const index = row.first + at;
          const item = items[index];
          const x = left;
          left += cell + GAP;
          if (item === undefined) return null;
          return (
            <li
              key={item.id}
              class="grid-cell"
              style={{ transform: `translate(${x}px, ${row.top}px)`, width: `${cell}px`, height: `${row.height}px` }}
            >
              {render(item, index)}
            </li>
          );
        });
      })}
    </ul>
  );
}
