import { useState } from "preact/hooks";
import type { ModelFigures, NameOf } from "@/api/training";
import { count } from "@/core/format";
import { Button } from "@/ui/Button";
import type { Shown } from "./Run";

/** So many categories make a matrix that can be read; of more, the most frequent mistakes say it better. */
const READABLE = 24;
const MISTAKES = 12;
const CELL = 22;
const NAMES = 150;

interface Props {
  cells: ModelFigures["confusion"];
  nameOf: NameOf;
  onOpen: (shown: Shown) => void;
}

/** What is taken for what: a matrix, or of many categories the most frequent mistakes and the matrix on request. */
export function Confusion(props: Props) {
  const [whole, setWhole] = useState(false);
  const present = [...new Set(props.cells.flatMap((cell) => cell.slice(0, 2)))].sort((a, b) => a - b);
  const many = present.length > READABLE;
  return (
    <>
      {many && !whole ? <Mistakes {...props} /> : <Matrix {...props} present={present} />}
      {many && (
        <Button kind="quiet" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? "Only the most frequent mistakes" : `All ${count(present.length)} categories as a matrix`}
        </Button>
      )}
    </>
  );
}

function Mistakes({ cells, nameOf, onOpen }: Props) {
  const wrong = cells.filter(([truth, said]) => truth !== said).sort((a, b) => b[2] - a[2]);
  const shown = wrong.slice(0, MISTAKES);
  const others = wrong.slice(MISTAKES).reduce((sum, [, , n]) => sum + n, 0);
  const right = cells.filter(([truth, said]) => truth === said).reduce((sum, [, , n]) => sum + n, 0);
  return (
    <ol class="mistakes">
      {shown.map(([truth, said, n]) => {
        const title = words(truth, said, nameOf);
        return (
          <li key={`${truth}/${said}`}>
            <button type="button" onClick={() => onOpen({ title, query: { truth, candidate: said } })}>
              <span class="number">{count(n)}</span> {title}
            </button>
          </li>
        );
      })}
      <li class="small muted">
        {others > 0 && `${count(others)} in other pairs. `}
        {count(right)} right.
      </li>
    </ol>
  );
}

function words(truth: number, said: number, nameOf: NameOf): string {
  return truth === said ? `${nameOf(truth)}, rightly` : `${nameOf(truth)} taken for ${nameOf(said)}`;
}

/** True categories down, said ones across; a cell opens its images. Mistakes carry the color, the diagonal is quiet. */
function Matrix({ cells, present, nameOf, onOpen }: Props & { present: readonly number[] }) {
  const at = new Map(present.map((category, place) => [category, place]));
  const most = Math.max(1, ...cells.filter(([truth, said]) => truth !== said).map(([, , n]) => n));
  const side = present.length * CELL;
  return (
    <div class="scroll-x">
      <div class="confusion" style={{ width: `${NAMES + side}px`, height: `${side}px` }}>
        {present.map((category, row) => (
          <span key={category} class="confusion-name" style={{ top: `${row * CELL}px`, width: `${NAMES - 8}px` }}>
            {nameOf(category)}
          </span>
        ))}
        {cells.map(([truth, said, n]) => {
          const right = truth === said;
          const title = `${words(truth, said, nameOf)}: ${count(n)}`;
          return (
            <button
              key={`${truth}/${said}`}
              type="button"
              class={right ? "cell cell-right" : "cell cell-wrong"}
              title={title}
              aria-label={title}
              style={{
                left: `${NAMES + (at.get(said) ?? 0) * CELL}px`,
                top: `${(at.get(truth) ?? 0) * CELL}px`,
                "--share": right ? 0 : Math.round((100 * n) / most),
              }}
              onClick={() => onOpen({ title, query: { truth, candidate: said } })}
            >
              {n}
            </button>
          );
        })}
      </div>
    </div>
  );
}
