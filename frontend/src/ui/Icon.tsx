/** Line icons on a 20-unit grid, one path each; never shown without a word or a tooltip. */
const PATHS = {
  overview: "M3 10.5 10 4l7 6.5M5 9v7h10V9",
  label: "M3 4h6l8 8-5 5-8-8V4Zm3.5 3.5h.01",
  images: "M3 4h14v12H3zM3 13l4-4 4 4 2.5-2.5L17 14M13 7.5h.01",
  map: "M5 6h.01M8 4.500h.01M7 8.500h.01M13 6h.01M15.500 8h.01M12 9.500h.01M6 13h.01M9 15.500h.01M13.500 14h.01M16 15.500h.01",
  categories: "M4 4v12M4 7h4M4 13h4M11 5h6v4h-6zM11 11h6v4h-6z",
  models: "M3 15l4.5-6 3.500 3.500L17 5M12.500 5H17v4.500",
  insights: "M3 17h14M5 17v-5M9 17V9M13 17v-7M17 17V5M3.500 8 8 5l4.500 2L17 2.500",
  review: "M3 4h10v7H8l-3 3v-3H3zM13 7h4v7h-2v3l-3-3H9",
  star: "m10 3 2.1 4.5 4.9.6-3.600 3.400.9 4.900L10 14l-4.300 2.400.9-4.900L3 8.100l4.900-.6z",
  certificates:
    "M10 12a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9ZM7.500 11.200 6 17.500l4-2 4 2-1.500-6.300M8 7.500l1.500 1.500L12.500 6",
  exports: "M10 3v9m0 0 3.5-3.5M10 12 6.5 8.5M3 13v4h14v-4",
  team: "M7.5 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm-5.5 8c0-3 2.5-5 5.5-5s5.5 2 5.5 5M13 3.3a3 3 0 0 1 0 5.4M15.5 12.6c1.5.8 2.5 2.4 2.5 4.4",
  settings: "M3 6h8m4 0h2M3 14h2m4 0h8M13 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM7 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  search: "M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12Zm4.5-1.500L17.5 17.5",
  plus: "M10 4v12M4 10h12",
  close: "M5 5l10 10M15 5 5 15",
  check: "m4 10.5 4 4 8-9",
  skip: "M4 5l6 5-6 5zM11 5l6 5-6 5z",
  flag: "M5 17V3m0 1h10l-2.5 3.500L15 11H5",
  undo: "M8 5 4 9l4 4M4 9h8a4 4 0 0 1 0 8h-2",
  redo: "m12 5 4 4-4 4m4-4H8a4 4 0 0 0 0 8h2",
  zoom: "M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12Zm4.5-1.500L17.5 17.500M9 6.500v5M6.5 9h5",
  up: "M10 16V4m0 0L5 9m5-5 5 5",
  left: "M12.5 4.5 7 10l5.5 5.5",
  right: "M7.5 4.5 13 10l-5.5 5.5",
  down: "M4.5 7.5 10 13l5.5-5.5",
  help: "M7 7.500a3 3 0 1 1 4.2 2.700c-.8.4-1.2 1-1.2 1.800M10 15h.01",
  folder: "M2.5 5h5l2 2h8v9h-15z",
  file: "M5 2.500h7l3.5 3.500v11.500H5zM12 2.500V6h3.5",
  archive: "M3 4h14v4H3zM4 8v9h12V8M8 11h4",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  edit: "m4 16 1-4 8-8 3 3-8 8-4 1Z",
  copy: "M7 7h10v10H7zM4 13H3V3h10v1",
  user: "M10 10a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-7 8c.5-3.5 3.5-5.5 7-5.500s6.5 2 7 5.5",
  alert: "M10 3 2 17h16L10 3Zm0 5v4m0 2.500h.01",
  repeat: "M4 8h10a3 3 0 0 1 3 3M14 5l3 3-3 3M3 12a3 3 0 0 0 3 3h10",
  similar: "M3 3h6v6H3zM11 11h6v6h-6zM11 3h6v6h-6zM6 12v4m-2-2h4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of the project: what has been sorted stands out from what has not. */
export function Mark({ size = 22 }: { size?: number }) {
  const lit = new Set([3, 5, 7]);
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="var(--accent)" aria-hidden="true">
      {Array.from({ length: 9 }, (_, at) => (
        <rect
          key={at}
          x={2 + (at % 3) * 7.3}
          y={2 + Math.floor(at / 3) * 7.3}
          width="5.5"
          height="5.5"
          rx="1.4"
          opacity={lit.has(at) ? 1 : 0.3}
        />
      ))}
    </svg>
  );
}
