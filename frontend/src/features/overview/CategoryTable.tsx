import type { OverviewCategory } from "@/api/types";
import { count, percent } from "@/core/format";
import { Dot } from "@/ui/Category";
import { IntervalLine } from "@/ui/Curve";
import { Mosaic } from "@/ui/Mosaic";
import { type Row, rowsOf } from "./families";

export function CategoryTable({ id, categories }: { id: number; categories: readonly OverviewCategory[] }) {
  const most = Math.max(...categories.map((category) => category.predicted + category.confirmed), 1);
  return (
    <section class="overview-categories">
      <h2>Categories</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" class="number">
              Confirmed
            </th>
            <th scope="col" class="number">
              Predicted
            </th>
            <th scope="col" class="wide-only">
              <span class="visually-hidden">Share</span>
            </th>
            <th scope="col">Accuracy</th>
            <th scope="col" class="wide-only">
              <span class="visually-hidden">Images</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rowsOf(categories).map((row) => (
            <CategoryRow key={row.category.id} id={id} row={row} most={most} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function CategoryRow({ id, row, most }: { id: number; row: Row; most: number }) {
  const { category, depth, isParent } = row;
  return (
    <tr class={isParent ? "family" : undefined}>
      <th scope="row" style={{ "--depth": depth }}>
        <a href={`/p/${id}/images?category=${category.id}`}>
          <Dot hue={category.hue} />
          <span>{category.name}</span>
        </a>
      </th>
      <td class="number">{count(row.confirmed)}</td>
      <td class="number">
        <a href={`/p/${id}/images?predicted=${category.id}`}>{count(row.predicted)}</a>
      </td>
      <td class="wide-only">
        {!isParent && <ShareLine confirmed={row.confirmed} predicted={row.predicted} most={most} />}
      </td>
      <td>{(!isParent || category.accuracy !== null) && <CategoryAccuracy accuracy={category.accuracy} />}</td>
      <td class="wide-only category-mosaic">
        <Mosaic urls={row.mosaic} count={6} columns={6} />
      </td>
    </tr>
  );
}

function ShareLine({ confirmed, predicted, most }: { confirmed: number; predicted: number; most: number }) {
  return (
    <span class="share" aria-hidden="true">
      <span class="bar-confirmed" style={{ width: `${(confirmed / most) * 100}%` }} />
      <span class="bar-predicted" style={{ width: `${(predicted / most) * 100}%` }} />
    </span>
  );
}

function CategoryAccuracy({ accuracy }: { accuracy: OverviewCategory["accuracy"] }) {
  if (accuracy === null || accuracy.value === null || accuracy.low === null || accuracy.high === null) {
    return <span class="small faint">not yet known{accuracy && accuracy.n > 0 ? ` (${accuracy.n} audited)` : ""}</span>;
  }
  return (
    <span class="row">
      <IntervalLine low={accuracy.low} value={accuracy.value} high={accuracy.high} />
      <span class="small">{percent(accuracy.value, 0)}</span>
    </span>
  );
}
