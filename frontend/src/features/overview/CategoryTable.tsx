import type { OverviewCategory } from "@/api/types";
import { count, percent } from "@/core/format";
import { Dot, parentsOf } from "@/ui/Category";
import { IntervalLine } from "@/ui/Curve";
import { Mosaic } from "@/ui/Mosaic";

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
          {categories.map((category) => (
            <tr key={category.id}>
              <th scope="row">
                <a href={`/p/${id}/images?category=${category.id}`}>
                  <Dot hue={category.hue} />
                  <span>{category.name}</span>
                </a>
                {category.path !== category.name && <span class="small faint">{parentsOf(category.path)}</span>}
              </th>
              <td class="number">{count(category.confirmed)}</td>
              <td class="number">
                <a href={`/p/${id}/images?predicted=${category.id}`}>{count(category.predicted)}</a>
              </td>
              <td class="wide-only">
                <ShareLine confirmed={category.confirmed} predicted={category.predicted} most={most} />
              </td>
              <td>
                <CategoryAccuracy accuracy={category.accuracy} />
              </td>
              <td class="wide-only category-mosaic">
                <Mosaic urls={category.mosaic} count={6} columns={6} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
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
