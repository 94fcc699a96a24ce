import type { LotPlan } from "@/api/certificates";
import { count, percent, plural } from "@/core/format";

const ROWS = 4;
/** Another way is named where it saves a tenth or more. */
const WORTH_SAYING = 0.9;

interface Offer {
  readonly audits: number;
  readonly labels: number;
}

/** What so many answers would buy, before anyone gives them; once they come (`begun`) no other way is named. It is a forecast: only the answers prove anything. */
export function WhatItTakes({ plan, audits, begun }: { plan: LotPlan; audits: number; begun: boolean }) {
  const { pool, region, sizes, audits_needed: needed, cheapest, pages_first: first } = plan;
  if (pool === undefined || region === undefined || !sizes || !needed) return null;
  const offers = offersOf(sizes, needed);
  const pages =
    first && first.looked > 0 && first.presses < WORTH_SAYING * (cheapest?.presses ?? Infinity) ? first : null;
  return (
    <div class="takes">
      <p class="small">
        {count(region)} of {plural(pool, "image")} that nobody judged are sure enough to be worth asking about.
        {offers.length === 0 &&
          " No number of audits would prove a lot of them at this goal: confirm more images first."}
      </p>
      {offers.length > 0 && (
        <table>
          <caption class="small muted">
            If the model is as right as it believes. {plural(audits, "audit")} {audits === 1 ? "is" : "are"} asked for.
          </caption>
          <thead>
            <tr>
              <th scope="col">About so many audits</th>
              <th scope="col">prove so many labels</th>
            </tr>
          </thead>
          <tbody>
            {offers.map(({ audits, labels }) => (
              <tr key={labels}>
                <td>{count(audits)}</td>
                <td>
                  {count(labels)} <span class="muted">({percent(labels / pool, 0)})</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {!begun && cheapest && pages === null && (
        <p class="small">
          Least work in all: about {plural(cheapest.audits, "audit")} for {plural(cheapest.size, "label")}, and pages
          for the rest. That is {cheapest.presses.toFixed(2)} key presses an image.
        </p>
      )}
      {!begun && pages && (
        <p class="small">
          {pages.looked === pool
            ? "Less work: confirm all of them in pages."
            : `Less work: withdraw this, confirm the ${count(pages.looked)} surest in pages, then plan again with about ${plural(pages.audits, "audit")} for what is left.`}{" "}
          That is {pages.presses.toFixed(2)} key presses an image, and less as the model learns from the pages.
        </p>
      )}
    </div>
  );
}

/** Only larger lots for more audits, and no more than a few of them, the largest among them. */
function offersOf(sizes: readonly number[], needed: readonly number[]): Offer[] {
  const best: Offer[] = [];
  sizes.forEach((labels, at) => {
    const audits = needed[at] ?? -1;
    if (audits <= 0) return;
    while (best.length > 0 && (best.at(-1)?.audits ?? 0) >= audits) best.pop();
    best.push({ audits, labels });
  });
  const step = Math.max((best.length - 1) / (ROWS - 1), 1);
  return best.filter((_, at) => Array.from({ length: ROWS }, (_, row) => Math.round(row * step)).includes(at));
}
