import { useEffect, useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { useProject, useTaxonomy } from "@/api/shared";
import type { Category } from "@/api/types";
import { count, plural } from "@/core/format";
import { mayOwn } from "@/core/roles";
import { Button } from "@/ui/Button";
import { Dot } from "@/ui/Category";
import { Icon } from "@/ui/Icon";
import { Names } from "@/ui/Names";
import { Empty, Failed } from "@/ui/States";
import { CategoryEditor } from "./CategoryEditor";
import { WordsMark } from "./WordsMark";
import "./categories.css";

export default function Categories() {
  const { params } = useRoute();
  const project = Number(params.id);
  const owner = mayOwn(useProject(project).data?.role);
  const taxonomy = useTaxonomy(project);
  const [open, setOpen] = useState<number | null>(null);
  const [pasting, setPasting] = useState(false);
  const [retired, setRetired] = useState(false);
  useEffect(() => {
    document.title = "Categories · Winnow";
  }, []);

  const shown = taxonomy.all.filter((category) => retired || !category.deprecated);
  const gone = taxonomy.all.length - taxonomy.active.length;
  const none = taxonomy.loaded && taxonomy.all.length === 0;
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <h1>Categories</h1>
          {!none && taxonomy.loaded && (
            <p>
              {plural(taxonomy.active.length, "category", "categories")} · revision {count(taxonomy.revision)}
            </p>
          )}
        </div>
        {owner && !none && (
          <div class="row">
            <a class="button button-primary" href={`/p/${project}/categories/new`}>
              Describe a new one
            </a>
            <Button icon="plus" aria-expanded={pasting} onClick={() => setPasting(!pasting)}>
              Add a list
            </Button>
          </div>
        )}
      </div>
      {taxonomy.error && <Failed error={taxonomy.error} onRetry={taxonomy.reload} />}
      {owner && (pasting || none) && (
        <section class="paste">
          {none && <p class="muted">What can an image be? One name a line, or a whole tree. Names can change later.</p>}
          <Names project={project} />
        </section>
      )}
      {!owner && none && <Empty title="No categories yet" />}
      {shown.length > 0 && (
        <ul class="tree" aria-label="Categories">
          <li class="tree-row tree-head" aria-hidden="true">
            <span>Name</span>
            <span>Confirmed</span>
            <span>Predicted</span>
          </li>
          {shown.map((category) => (
            <Row
              key={category.id}
              project={project}
              category={category}
              all={taxonomy.active}
              editable={owner}
              open={open === category.id}
              onOpen={() => setOpen(open === category.id ? null : category.id)}
            />
          ))}
        </ul>
      )}
      {gone > 0 && (
        <Button kind="quiet" onClick={() => setRetired(!retired)}>
          {retired ? "Hide" : "Show"} {plural(gone, "deprecated category", "deprecated categories")}
        </Button>
      )}
    </div>
  );
}

interface RowProps {
  project: number;
  category: Category;
  all: readonly Category[];
  editable: boolean;
  open: boolean;
  onOpen: () => void;
}

function Row({ project, category, all, editable, open, onOpen }: RowProps) {
  const images = `/p/${project}/images`;
  return (
    <li class={category.deprecated ? "tree-deprecated" : ""}>
      <div class="tree-row">
        <span class="tree-name" style={{ paddingLeft: `${category.depth * 28}px` }}>
          <button type="button" class="tree-open" aria-expanded={open} onClick={onOpen}>
            <Icon name={open ? "down" : "right"} size={14} />
            <Dot hue={category.hue} />
            <span>{category.name}</span>
          </button>
          {category.synonyms.length > 0 && (
            <span class="small faint tree-synonyms">{category.synonyms.join(", ")}</span>
          )}
          {category.from_words && <WordsMark from={category.from_words} />}
          {category.deprecated && <span class="small faint">deprecated, its labels are kept</span>}
        </span>
        <a href={`${images}?category=${category.id}`}>{count(category.counts.confirmed)}</a>
        <a href={`${images}?predicted=${category.id}`} class="muted">
          {count(category.counts.predicted)}
        </a>
      </div>
      {open && <CategoryEditor key={category.id} project={project} category={category} all={all} editable={editable} />}
    </li>
  );
}
