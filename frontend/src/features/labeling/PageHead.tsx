import type { LabelingPage } from "@/api/page-types";
import type { Category } from "@/api/types";
import { expectationSays, sentence } from "@/core/attention";
import { count } from "@/core/format";
import { Dot, parentsOf } from "@/ui/Category";

interface PageHeadProps {
  page: LabelingPage;
  category: Category | undefined;
  left: number;
}

/** What all tiles should be: its name, what it looks like, images of it that were confirmed, and why these now. */
export function PageHead({ page, category, left }: PageHeadProps) {
  const parents = category ? parentsOf(category.path) : "";
  const why = `${sentence(page.reason)} ${expectationSays(page.expected_precision, page.tiles.length)}`.trim();
  return (
    <header class="page-title">
      <div class="page-words">
        <h1 class="page-name">
          {category && <Dot hue={category.hue} />}
          <span>{category?.name ?? "…"}</span>
          {parents && <span class="page-parents">{parents}</span>}
        </h1>
        {page.definition && (
          <p class="page-definition" title={page.definition}>
            {page.definition}
          </p>
        )}
        <p class="page-why" title={`${why} ${count(left)} images wait in all.`}>
          {why}
        </p>
      </div>
      {page.exemplars.length > 0 ? (
        <figure class="exemplars">
          <figcaption>like these</figcaption>
          {page.exemplars.slice(0, 5).map(({ id, thumb }) => (
            <img key={id} src={thumb} alt="" width="72" height="72" />
          ))}
        </figure>
      ) : (
        <p class="exemplars-none small faint">No confirmed image of it yet</p>
      )}
    </header>
  );
}
