import { useEffect, useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { type Taxonomy, useProject, useTaxonomy } from "@/api/shared";
import { mayReview } from "@/core/roles";
import { LinkButton } from "@/ui/Button";
import { useCommands } from "@/ui/commands";
import { Stage } from "@/ui/Stage";
import { Empty, Failed } from "@/ui/States";
import { CaseSide } from "./CaseSide";
import { choicesOf } from "./choices";
import { reviewCommands } from "./reviewCommands";
import { type Case, type ReviewDesk, useReview } from "./useReview";
import "./review.css";

export default function Review() {
  const { params } = useRoute();
  const project = Number(params.id);
  const { data } = useProject(project);
  const name = data?.name;
  useEffect(() => {
    if (name) document.title = `Review · ${name} · Winnow`;
  }, [name]);
  if (data && !mayReview(data.role)) {
    return (
      <Empty title="Reviewing is for reviewers">
        <p>An owner can make you one. Until then, labelling helps most.</p>
        <LinkButton href={`/p/${project}/label`}>Label</LinkButton>
      </Empty>
    );
  }
  return data ? <Reviewing key={project} project={project} /> : null;
}

function Reviewing({ project }: { project: number }) {
  const taxonomy = useTaxonomy(project);
  const { desk, pictures, turn, remark } = useReview(project);
  const { queue, item } = desk;
  if (queue.state === "failed" && queue.error) {
    return (
      <div class="page">
        <Failed error={queue.error} onRetry={() => void queue.fill()} />
      </div>
    );
  }
  if (item !== undefined) return <Deciding key="deciding" {...{ desk, item, taxonomy, pictures, turn, remark }} />;
  if (queue.state === "loading") return <Empty title="Looking for disagreements" />;
  return (
    <Empty title="Nothing to review">
      <p>
        People agree wherever more than one looked, and no page was sent here. A second opinion can be asked for with
        the project's overlap.
      </p>
      <LinkButton href={`/p/${project}/label`}>Label</LinkButton>
    </Empty>
  );
}

interface DecidingProps {
  desk: ReviewDesk;
  item: Case;
  taxonomy: Taxonomy;
  pictures: ReturnType<typeof useReview>["pictures"];
  remark: ReturnType<typeof useReview>["remark"];
  /** Changes with every act, because the desk stays the same object. */
  turn: number;
}

function Deciding({ desk, item, taxonomy, pictures, remark }: DecidingProps) {
  const [typing, setTyping] = useState<string | null>(null);
  const [zoomed, setZoomed] = useState(false);
  const { id, name } = item.image;
  const [why, setWhy] = useState("");
  const write = (text: string): void => {
    remark.text = text;
    setWhy(text);
  };
  // another image begins with nothing typed
  useEffect(() => {
    setTyping(null);
    write("");
  }, [id]);
  const choices = choicesOf(item, taxonomy.byId);
  const decide = (category: number, input: "digit" | "type" | "mouse"): void => {
    setTyping(null);
    desk.label(category, input);
  };
  useCommands("review", reviewCommands({ desk, choices, decide, setTyping, setZoomed }));
  return (
    <div class="reviewing">
      <p class="visually-hidden" role="status">
        {name}: {choices.map(({ category, opinions }) => `${category.name}, ${opinions.length} for it`).join("; ")}
      </p>
      <Stage image={item.image} pictures={pictures} zoomed={zoomed} setZoomed={setZoomed} />
      <CaseSide
        {...{ desk, item, choices, taxonomy, typing, setTyping, decide, why }}
        onWhy={write}
        given={desk.queue.current?.answer ?? null}
      />
    </div>
  );
}
