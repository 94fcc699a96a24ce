import { useOverview } from "@/api/shared";
import { count, seconds } from "@/core/format";
import type { EmptyReason } from "@/core/queue";
import { Progress } from "@/ui/Bar";
import { Button, LinkButton } from "@/ui/Button";
import { Empty } from "@/ui/States";
import type { LabelingDesk } from "./useDesk";

type Reason = EmptyReason | "loading" | "viewer" | "no_categories";

/** Why there is no image on screen, and what helps. */
export function NothingToLabel({ project, reason, desk }: { project: number; reason: Reason; desk?: LabelingDesk }) {
  const home = `/p/${project}`;
  const again = desk?.canUndo ? (
    <Button icon="undo" command="label.undo" onClick={() => desk.undo()}>
      Undo the last one
    </Button>
  ) : null;
  switch (reason) {
    case "loading":
      return <Empty title="Taking the next images from the queue" />;
    case "viewer":
      return (
        <Empty title="You may look, not label">
          <p>Your role in this project is viewer. An owner can make you an annotator.</p>
          <LinkButton href={`${home}/images`}>See the images</LinkButton>
        </Empty>
      );
    case "no_categories":
      return (
        <Empty title="No categories yet">
          <p>Name what an image can be, and labelling starts.</p>
          <LinkButton kind="primary" href={`${home}/categories`}>
            Name the categories
          </LinkButton>
        </Empty>
      );
    case "no_images":
      return (
        <Empty title="No images yet">
          <p>Drop some on the project's page and come back.</p>
          <LinkButton kind="primary" href={home}>
            Add images
          </LinkButton>
        </Empty>
      );
    case "processing":
      return <Processing project={project} />;
    case "leased_by_others":
      return (
        <Empty title="The rest is with other people">
          <p>What they do not finish comes back within minutes. This page goes on by itself when it does.</p>
          {again}
        </Empty>
      );
    case "category_done":
      return (
        <Empty title="No more pages of this category">
          <p>Nothing that still waits looks like it. What was struck comes back under its next-best category.</p>
          <LinkButton kind="primary" href={`${home}/label`}>
            Label everything else
          </LinkButton>
          {again}
        </Empty>
      );
    case "all_labeled":
      return (
        <Empty title="Everything is labelled">
          <p>Every image of this project has an answer.</p>
          <div class="row">
            <LinkButton kind="primary" href={`${home}/exports`}>
              Export the dataset
            </LinkButton>
            <LinkButton href={home}>See how good it is</LinkButton>
          </div>
          {again}
        </Empty>
      );
  }
}

function Processing({ project }: { project: number }) {
  const { data } = useOverview(project);
  const job = data?.jobs[0];
  return (
    <Empty title="The images are being prepared">
      {job && job.total > 0 && (
        <div class="empty-progress">
          <Progress done={job.done} total={job.total} label={job.title} />
        </div>
      )}
      <p>
        {job
          ? `${job.title}: ${count(job.done)} of ${count(job.total)}${job.seconds_left === null ? "" : `, ${seconds(job.seconds_left)} left`}.`
          : "The first ones will be here in a moment."}{" "}
        Labelling starts by itself.
      </p>
    </Empty>
  );
}
