import { useLayoutEffect, useState } from "preact/hooks";
import type { LabelingPage } from "@/api/page-types";
import type { Taxonomy } from "@/api/shared";
import type { PageInput } from "@/core/entry";
import { plural } from "@/core/format";
import { type Sheet, sheetFocus, sheetGive, sheetStrikeRange, sheetTally, sheetToggle } from "@/core/sheet";
import { useCommands } from "@/ui/commands";
import { FocusBar } from "./FocusBar";
import { lettered } from "./lettered";
import { PageFoot } from "./PageFoot";
import { PageHead } from "./PageHead";
import { pageCommands } from "./pageCommands";
import { TileGrid } from "./TileGrid";
import { TypeAhead } from "./TypeAhead";
import type { LabelingDesk, Pictures } from "./useDesk";
import type { Feedback } from "./useFeedback";
import { useGestures } from "./useGestures";
import type { Screen } from "./useScreen";

export interface PageViewProps {
  project: number;
  desk: LabelingDesk;
  page: LabelingPage;
  sheet: Sheet;
  /** Not yet while a single image is on screen: the page lies ready behind it and hears no key. */
  shown: boolean;
  taxonomy: Taxonomy;
  pictures: Pictures;
  screen: Screen;
  feedback: Feedback;
  announce: (text: string) => void;
}

const TOLD = { strike: "struck", skip: "skipped", flag: "flagged" } as const;

/** One page: everything on it is presumed right, the wrong ones are struck, Enter takes the rest. */
export function PageView({
  project,
  desk,
  page,
  sheet,
  shown,
  taxonomy,
  pictures,
  screen,
  feedback,
  announce,
}: PageViewProps) {
  const [typing, setTyping] = useState<string | null>(null);
  const [zoomed, setZoomed] = useState(false);
  const category = taxonomy.byId.get(page.category);
  const name = category?.name ?? "this category";
  const fit = screen.fit(page);
  const urls = screen.tileUrls(page);
  const tile = page.tiles[sheet.focus];
  const own = (tile?.suggestions ?? []).filter((suggestion) => suggestion.category !== page.category).slice(0, 5);

  useLayoutEffect(() => {
    setTyping(null);
    setZoomed(false);
  }, [page.id, shown]);

  const toggle = (at: number, kind: "strike" | "skip" | "flag"): void => {
    desk.mark((sheet) => sheetToggle(sheet, at, kind));
    const image = page.tiles[at]?.image;
    const said = image && desk.sheet?.exceptions.get(image.id);
    announce(`${image?.name ?? ""} ${said && said.kind !== "label" ? TOLD[said.kind] : `is ${name} again`}`);
  };
  const give = (given: number): void => {
    setTyping(null);
    desk.mark((sheet) => sheetGive(sheet, sheet.focus, given));
    announce(`${tile?.image.name ?? ""} is ${taxonomy.byId.get(given)?.name ?? "another category"}`);
  };
  const commit = (input: PageInput): void => {
    const { confirmed } = sheetTally(sheet);
    desk.commit(input);
    const next = desk.page && taxonomy.byId.get(desk.page.category)?.name;
    const others = sheet.exceptions.size > 0 ? `, ${sheet.exceptions.size} not` : "";
    announce(
      `${confirmed} confirmed as ${name}${others}.${next ? ` Next: ${plural(desk.page?.tiles.length ?? 0, "image")} of ${next}.` : ""}`,
    );
  };
  const undo = (): void => {
    desk.undo();
    announce("Taken back");
  };
  const type = (typed: string): void => setTyping(/^\p{L}$/u.test(typed) ? typed : "");

  const gestures = useGestures({
    focus: (at) => desk.mark((sheet) => sheetFocus(sheet, at)),
    strike: (at) => toggle(at, "strike"),
    strikeRange: (from, to) => desk.mark((sheet) => sheetStrikeRange(sheet, from, to)),
    choose: (at) => {
      desk.mark((sheet) => sheetFocus(sheet, at));
      setTyping("");
    },
    zoom: setZoomed,
  });
  const acts = {
    desk,
    own,
    columns: fit.columns,
    toggle,
    give,
    commit,
    undo,
    type,
    setZoomed,
    letters: lettered.value,
  };
  useCommands("label", shown ? pageCommands(acts) : []);

  return (
    <div class={`paging ${shown ? "" : "paging-behind"}`} data-page={page.id} inert={!shown}>
      <PageHead page={page} category={category} left={desk.queue.remaining} />
      <TileGrid
        {...{ page, sheet, urls, fit, name, taxonomy, pictures, gestures }}
        resting={shown && typing === null}
      />
      {zoomed && tile && (
        <div class="page-zoom" aria-hidden="true">
          <img key={tile.image.id} src={tile.image.display} alt="" draggable={false} />
        </div>
      )}
      {typing !== null && tile && (
        <TypeAhead
          taxonomy={taxonomy}
          desk={desk}
          initial={typing}
          right={sheet.focus % fit.columns < fit.columns / 2}
          label={`Category of ${tile.image.name}`}
          onPick={give}
          onClose={() => setTyping(null)}
        />
      )}
      <footer class="page-foot">
        <FocusBar
          {...{ own, sheet, taxonomy, toggle, give, type }}
          said={tile && sheet.exceptions.get(tile.image.id)}
        />
        <PageFoot {...{ project, desk, sheet, shown, taxonomy, feedback, commit, undo }} name={name} />
      </footer>
    </div>
  );
}
