import type { Annotator, Share } from "@/api/insights";
import type { Taxonomy } from "@/api/shared";
import { count, percent } from "@/core/format";
import { Wide } from "@/ui/Wide";
import { ShareText } from "./ShareText";
import { pace, signsOf } from "./words";

/** Everybody who labels, side by side. */
export function PeopleTable({ people }: { people: readonly Annotator[] }) {
  return (
    <Wide label="People">
      <table class="figures-table">
        <thead>
          <tr>
            <th scope="col">Person</th>
            <th scope="col" class="number">
              Labels
            </th>
            <th scope="col">Agrees with the others</th>
            <th scope="col" class="number">
              Time a label
            </th>
            <th scope="col">Wrong suggestions</th>
            <th scope="col" class="number">
              Tiles caught
            </th>
          </tr>
        </thead>
        <tbody>
          {people.map((person) => (
            <PersonRow key={person.id} person={person} />
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function PersonRow({ person }: { person: Annotator }) {
  const { misled, followed, unseen, unseen_same, pull } = person.anchoring;
  return (
    <tr>
      <th scope="row">
        {person.username}
        {person.led && (
          <span class="small danger led">
            takes whatever is suggested<span class="led-why"> {signsOf(person).join(" ")}</span>
          </span>
        )}
      </th>
      <td class="number">{count(person.labels)}</td>
      <td>
        <ShareText share={person.agreement} />
      </td>
      <td class="number">{person.speeds[0] ? pace(person.speeds[0].median_ms) : "–"}</td>
      <td class="small">
        {misled === 0 ? (
          <span class="faint">none seen</span>
        ) : (
          `${count(followed)} of ${count(misled)} taken${unseen > 0 ? `; blind ${count(unseen_same)} of ${count(unseen)}` : ""}`
        )}
        {pull && <span class="faint"> ({percent(pull.value, 0)} pull)</span>}
      </td>
      <td class="number small">{person.planted > 0 ? `${count(person.caught)} of ${count(person.planted)}` : "–"}</td>
    </tr>
  );
}

/** Who knows which category: the more certain a cell is good, the stronger; a cell without enough to go by is empty. */
export function Reliability({ people, taxonomy }: { people: readonly Annotator[]; taxonomy: Taxonomy }) {
  const known = new Map(
    people.map(({ id, categories }) => [id, new Map(categories.map((one) => [one.category, one]))]),
  );
  const columns = taxonomy.all.filter(({ id }) => people.some((person) => known.get(person.id)?.has(id)));
  if (columns.length === 0) return null;
  return (
    <section class="insight-part">
      <h2>Who knows what</h2>
      <p class="small muted">
        Share of a person's labels that the others confirm, by what the image turned out to be. A dash: fewer than
        twenty compared.
      </p>
      <Wide label="Reliability by category">
        <table class="figures-table heat">
          <thead>
            <tr>
              <th scope="col">Category</th>
              {people.map(({ id, username }) => (
                <th key={id} scope="col" class="number">
                  {username}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {columns.map(({ id, name }) => (
              <tr key={id}>
                <th scope="row">{name}</th>
                {people.map((person) => (
                  <HeatCell key={person.id} share={known.get(person.id)?.get(id)} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </section>
  );
}

function HeatCell({ share }: { share: Share | undefined }) {
  if (share === undefined || share.value === null) return <td class="number faint">–</td>;
  const title = `${percent(share.low, 0)} to ${percent(share.high, 0)} of ${share.n}`;
  return (
    <td class="number heat-cell" style={{ "--heat": String(Math.round(share.value * 100)) }} title={title}>
      {percent(share.value, 0)}
    </td>
  );
}
