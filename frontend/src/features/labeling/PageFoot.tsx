import type { Taxonomy } from "@/api/shared";
import type { PageInput } from "@/core/entry";
import { type Sheet, sheetTally } from "@/core/sheet";
import { Button } from "@/ui/Button";
import { Feedback } from "./Feedback";
import { stayOnTheTiles } from "./FocusBar";
import type { LabelingDesk } from "./useDesk";
import type { Feedback as Told } from "./useFeedback";

interface PageFootProps {
  project: number;
  desk: LabelingDesk;
  sheet: Sheet;
  /** What became of the last act is said once, on what is on screen. */
  shown: boolean;
  name: string;
  taxonomy: Taxonomy;
  feedback: Told;
  commit: (input: PageInput) => void;
  undo: () => void;
}

/** What became of the last page, and the one key that finishes this one. */
export function PageFoot({ project, desk, sheet, shown, name, taxonomy, feedback, commit, undo }: PageFootProps) {
  const tally = sheetTally(sheet);
  const apart = [
    [tally.struck, "struck"],
    [tally.relabeled, "renamed"],
    [tally.skipped, "skipped"],
    [tally.flagged, "flagged"],
  ] as const;
  const said = apart.flatMap(([n, word]) => (n > 0 ? [`${n} ${word}`] : []));
  return (
    <div class="page-end" role="toolbar" aria-label="This page" onMouseDown={stayOnTheTiles}>
      {shown && <Feedback project={project} last={desk.last} made={desk.made} told={feedback} taxonomy={taxonomy} />}
      <span class="page-said small muted">{said.join(" · ")}</span>
      <Button kind="quiet" command="label.undo" disabled={!desk.canUndo} onClick={undo}>
        Undo
      </Button>
      <Button kind="primary" class="page-commit" command="page.commit" onClick={(event) => commit(inputOf(event))}>
        <span class="page-commit-words">
          {tally.confirmed > 0 ? `${all(tally.confirmed, sheet.images.length)} ${name}` : "None is. Go on"}
        </span>
      </Button>
    </div>
  );
}

const all = (confirmed: number, tiles: number): string =>
  tiles === 1
    ? "It is"
    : confirmed === tiles
      ? `All ${tiles} are`
      : confirmed === 1
        ? "The other one is"
        : `The other ${confirmed} are`;

function inputOf(event: MouseEvent): PageInput {
  if (event.detail === 0) return "keyboard";
  return (event as PointerEvent).pointerType === "touch" ? "touch" : "mouse";
}
