import type { CategoryVerdict } from "@/api/certificates";
import { useTaxonomy } from "@/api/shared";
import { count, percent } from "@/core/format";

/** One claim for each category, all of them true together; small ones are judged with their siblings. */
export function CategoryVerdicts({ project, verdicts }: { project: number; verdicts: readonly CategoryVerdict[] }) {
  const { byId } = useTaxonomy(project);
  if (verdicts.length === 0) return null;
  const proved = verdicts.filter(({ certified }) => certified).length;
  const name = (id: number): string => byId.get(id)?.name ?? "?";
  return (
    <details>
      <summary class="small">
        Category by category:{" "}
        {proved === 0 ? "none is" : `${proved} of ${verdicts.length} ${proved === 1 ? "is" : "are"}`} certified on{" "}
        {proved < 2 ? "its" : "their"} own
      </summary>
      <div class="verdicts">
        <table>
          <caption class="small muted">
            The promise above is about the whole lot. Here each line is a claim of its own, and all certified ones hold
            together.
          </caption>
          <thead>
            <tr>
              <th scope="col">Category</th>
              <th scope="col" class="number">
                Labels
              </th>
              <th scope="col" class="number">
                Audited
              </th>
              <th scope="col" class="number">
                Wrong
              </th>
              <th scope="col">Verdict</th>
            </tr>
          </thead>
          <tbody>
            {verdicts.map((verdict) => (
              <tr key={verdict.categories.join()}>
                <th scope="row">
                  {verdict.categories.map(name).join(", ")}
                  {verdict.categories.length > 1 && (
                    <span class="small muted">
                      {" "}
                      together{verdict.node === null ? "" : ` under ${name(verdict.node)}`}
                    </span>
                  )}
                </th>
                <td class="number">{count(verdict.size)}</td>
                <td class="number">{count(verdict.audited)}</td>
                <td class="number">{count(verdict.errors)}</td>
                <td>
                  {verdict.certified
                    ? `certified, at most ${percent(verdict.bound)}`
                    : `not certified: ${verdict.reason}`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
