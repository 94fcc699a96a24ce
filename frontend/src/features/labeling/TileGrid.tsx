import { useLayoutEffect, useRef } from "preact/hooks";
import type { LabelingPage, PageTile } from "@/api/page-types";
import type { Taxonomy } from "@/api/shared";
import { letterOf } from "@/core/letters";
import type { Exception, Sheet } from "@/core/sheet";
import type { TileFit } from "@/core/tiles";
import { Icon } from "@/ui/Icon";
import { lettered } from "./lettered";
import { Picture } from "./Picture";
import type { Pictures } from "./useDesk";
import type { TileGestures } from "./useGestures";
import { GAP } from "./useScreen";
import "./tiles.css";

interface TileGridProps {
  page: LabelingPage;
  sheet: Sheet;
  urls: readonly string[];
  fit: TileFit;
  name: string;
  taxonomy: Taxonomy;
  pictures: Pictures;
  gestures: TileGestures;
  /** Nothing else has the keyboard. */
  resting: boolean;
}

/** All tiles of a page at once, as large as the screen allows; nothing scrolls and nothing moves. */
export function TileGrid({ page, sheet, urls, fit, name, taxonomy, pictures, gestures, resting }: TileGridProps) {
  const list = useRef<HTMLDivElement>(null);
  // The elements stay from page to page: making them anew, and the focus with them, costs a layout of its own.
  useLayoutEffect(() => {
    if (resting && document.activeElement !== list.current) list.current?.focus({ preventScroll: true });
  }, [page.id, resting]);
  return (
    <div class="tiles-room">
      <div
        ref={list}
        class="tiles"
        role="listbox"
        tabIndex={0}
        aria-label={`${page.tiles.length} images that should be ${name}; strike those that are not`}
        aria-multiselectable="true"
        aria-activedescendant={`tile-${sheet.focus}`}
        style={{
          gridTemplateColumns: `repeat(${fit.columns}, ${fit.edge}px)`,
          gridAutoRows: `${fit.edge}px`,
          gap: `${GAP}px`,
        }}
        {...gestures}
      >
        {page.tiles.map((tile, at) => (
          <Tile
            key={at}
            at={at}
            tile={tile}
            url={urls[at] ?? tile.image.thumb}
            focused={at === sheet.focus}
            said={sheet.exceptions.get(tile.image.id)}
            taxonomy={taxonomy}
            pictures={pictures}
            letter={lettered.value ? letterOf(at) : undefined}
          />
        ))}
      </div>
    </div>
  );
}

interface TileProps {
  at: number;
  tile: PageTile;
  url: string;
  focused: boolean;
  said: Exception | undefined;
  taxonomy: Taxonomy;
  pictures: Pictures;
  letter: string | undefined;
}

const SAID = { strike: "struck", skip: "skipped", flag: "flagged" } as const;

function Tile({ at, tile, url, focused, said, taxonomy, pictures, letter }: TileProps) {
  const given = said?.kind === "label" ? taxonomy.byId.get(said.category) : undefined;
  const word = said === undefined ? "" : said.kind === "label" ? (given?.name ?? "another category") : SAID[said.kind];
  const copies = tile.duplicates > 0 ? `, with ${tile.duplicates} near-duplicates` : "";
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the list keeps the focus and points at the active tile
    <div
      id={`tile-${at}`}
      role="option"
      class={`tile ${focused ? "tile-focused" : ""} ${said ? `tile-${said.kind}` : ""}`}
      aria-selected={said !== undefined}
      aria-label={`${tile.image.name}${copies}${word === "" ? "" : `, ${word}`}`}
      aria-keyshortcuts={letter}
      data-letter={letter}
      data-at={at}
      data-tile={tile.image.id}
    >
      <Picture url={url} name={tile.image.name} pictures={pictures} />
      {tile.duplicates > 0 && (
        <span class="tile-copies" title={`${tile.duplicates} near-duplicates get the same answer`}>
          ×{tile.duplicates + 1}
        </span>
      )}
      {said?.kind === "strike" && (
        <span class="tile-mark">
          <Icon name="close" size={22} />
        </span>
      )}
      {said && said.kind !== "strike" && (
        <span class={`tile-said ${given ? "hued" : ""}`} style={given ? { "--hue": String(given.hue) } : {}}>
          {given && <span class="dot hued" style={{ "--hue": String(given.hue) }} />}
          <span class="tile-word">{word}</span>
        </span>
      )}
    </div>
  );
}
