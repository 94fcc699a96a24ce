import { useResource } from "@/api/resource";
import { type NameOf, training } from "@/api/training";
import { percent } from "@/core/format";
import { Failed } from "@/ui/States";
import type { Shown } from "./Run";

/** The blind images behind a cell, or those whose category changed: what people said, what each model says. */
export function Asked({ project, run, shown, nameOf }: { project: number; run: number; shown: Shown; nameOf: NameOf }) {
  const key = JSON.stringify(shown.query);
  const { data, error, reload } = useResource(`asked/${run}/${key}`, (signal) =>
    training.items(project, run, shown.query, signal),
  );
  if (error) return <Failed error={error} onRetry={reload} />;
  return (
    <section class="models-part" aria-label={shown.title}>
      <h3>{shown.title}</h3>
      <ul class="asked">
        {data?.items.map((item) => (
          <li key={item.image}>
            <img src={item.thumb} alt={nameOf(item.truth)} loading="lazy" />
            <span class="small">
              <strong>{nameOf(item.truth)}</strong>
              <br />
              new: {nameOf(item.candidate)} {percent(item.candidate_probability, 0)}
              <br />
              <span class="muted">
                was: {nameOf(item.live)} {percent(item.live_probability, 0)}
              </span>
            </span>
          </li>
        ))}
      </ul>
      {data?.items.length === 0 && <p class="small muted">None.</p>}
    </section>
  );
}
