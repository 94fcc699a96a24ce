import type { Suggestion } from "@/api/types";
import type { Command } from "@/core/commands";
import type { PageInput } from "@/core/entry";
import { tileOf } from "@/core/letters";
import { sheetFocus } from "@/core/sheet";
import { type Direction, tileStep } from "@/core/tiles";
import { letterTiles } from "./lettered";
import type { LabelingDesk } from "./useDesk";

export interface PageActs {
  readonly desk: LabelingDesk;
  /** What the tile under the caret could be instead. */
  readonly own: readonly Suggestion[];
  readonly columns: number;
  readonly toggle: (at: number, kind: "strike" | "skip" | "flag") => void;
  readonly give: (category: number) => void;
  readonly commit: (input: PageInput) => void;
  readonly undo: () => void;
  readonly type: (letter: string) => void;
  readonly setZoomed: (zoomed: boolean) => void;
  /** Letters strike the tiles that carry them; else they begin a name. */
  readonly letters: boolean;
}

/** The second key is a tile's letter where tiles carry letters. */
const MOVES: readonly (readonly [Direction, string, string])[] = [
  ["left", "ArrowLeft", "H"],
  ["down", "ArrowDown", "J"],
  ["up", "ArrowUp", "K"],
  ["right", "ArrowRight", "L"],
];

export function pageCommands(acts: PageActs): Command[] {
  return [...thePage(acts), ...theTile(acts), ...theCaret(acts)];
}

function thePage({ desk, commit, undo, letters }: PageActs): Command[] {
  return [
    {
      id: "page.commit",
      title: "Confirm the page: the rest is right",
      category: "The page",
      keys: ["Enter"],
      run: () => commit("keyboard"),
    },
    {
      id: "label.undo",
      title: "Undo the last act, a page or a single image",
      category: "The page",
      keys: ["U", "Ctrl+Z"],
      when: () => desk.canUndo,
      run: undo,
    },
    {
      id: "label.redo",
      title: "Redo",
      category: "The page",
      keys: ["Ctrl+Shift+Z"],
      when: () => desk.canRedo,
      run: () => desk.redo(),
    },
    {
      id: "page.letters",
      title: letters ? "Let letters begin a name, not strike a tile" : "Let letters strike tiles, not begin a name",
      category: "The page",
      keys: ["."],
      run: () => letterTiles(!letters),
    },
  ];
}

function theTile({ desk, own, toggle, give, type, letters }: PageActs): Command[] {
  const at = (): number => desk.sheet?.focus ?? 0;
  const last = desk.recent[0];
  return [
    {
      id: "page.strike",
      title: "Strike this tile: it is something else",
      category: "This tile",
      keys: ["X", "Space"],
      run: () => toggle(at(), "strike"),
    },
    {
      id: "page.letter",
      title: "Strike the tile that carries this letter",
      category: "This tile",
      keys: [],
      letters: true,
      when: () => letters,
      run: (letter = "") => {
        const lettered = tileOf(letter, desk.sheet?.images.length ?? 0);
        if (lettered >= 0) toggle(lettered, "strike");
      },
    },
    ...[0, 1, 2, 3, 4].map((rank) => ({
      id: `label.suggestion${rank + 1}`,
      title: `Give it its own suggestion ${rank + 1}`,
      category: "This tile",
      keys: [String(rank + 1)],
      when: () => own[rank] !== undefined,
      run: () => give(own[rank]?.category ?? 0),
    })),
    {
      id: "label.type",
      title: letters ? "Type any category" : "Type any category; other letters begin one as well",
      category: "This tile",
      keys: ["/"],
      letters: !letters,
      run: (letter = "") => type(letter),
    },
    {
      id: "label.same",
      title: "Same as the last category given",
      category: "This tile",
      keys: ["="],
      when: () => last !== undefined,
      run: () => last !== undefined && give(last),
    },
    {
      id: "label.skip",
      title: "Skip this tile",
      category: "This tile",
      keys: ["S"],
      run: () => toggle(at(), "skip"),
    },
    {
      id: "label.flag",
      title: "Flag this tile",
      category: "This tile",
      keys: ["F"],
      run: () => toggle(at(), "flag"),
    },
  ];
}

function theCaret({ desk, columns, setZoomed, letters }: PageActs): Command[] {
  const move = (direction: Direction): void =>
    desk.mark((sheet) => sheetFocus(sheet, tileStep(sheet.focus, direction, columns, sheet.images.length)));
  return [
    ...MOVES.map(([direction, arrow, letter]) => ({
      id: `page.${direction}`,
      title: `Move ${direction}`,
      category: "The caret",
      keys: letters ? [arrow] : [arrow, letter],
      repeats: true,
      run: () => move(direction),
    })),
    {
      id: "page.first",
      title: "First tile",
      category: "The caret",
      keys: ["Home"],
      run: () => desk.mark((sheet) => sheetFocus(sheet, 0)),
    },
    {
      id: "page.last",
      title: "Last tile",
      category: "The caret",
      keys: ["End"],
      run: () => desk.mark((sheet) => sheetFocus(sheet, sheet.images.length - 1)),
    },
    {
      id: "label.zoom",
      title: "Zoom while held",
      category: "The caret",
      keys: ["Z"],
      run: () => setZoomed(true),
      release: () => setZoomed(false),
    },
  ];
}
