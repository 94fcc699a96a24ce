import type { Taxonomy } from "@/api/shared";
import { attentionMeans, attentionSays, teachingSays } from "@/core/attention";
import { count, plural } from "@/core/format";
import type { Answer } from "@/core/queue";
import { Dot } from "@/ui/Category";
import type { Feedback as Told } from "./useFeedback";
import "./feedback.css";

interface FeedbackProps {
  project: number;
  last: Answer | null;
  made: number;
  told: Told;
  taxonomy: Taxonomy;
}

const KINDS = { label: "labelled", skip: "skipped", flag: "flagged", page: "confirmed" } as const;

/** What became of the last act and of the last page, at the edge of the screen; it never asks for anything. */
export function Feedback({ project, last, made, told, taxonomy }: FeedbackProps) {
  const attention = told.answer?.attention ?? null;
  const means = attention && attentionMeans(attention);
  return (
    <div class="feedback small" role="status">
      <p class="feedback-line">
        {last && <LastAct last={last} taxonomy={taxonomy} />}
        {attention && attention.planted > 0 && (
          <span class={attention.missed.length > 0 ? "feedback-missed" : "muted"}>{attentionSays(attention)}</span>
        )}
        {attention?.missed.map(({ image, category }) => (
          <Missed key={image.id} thumb={image.thumb} name={taxonomy.byId.get(category)?.name ?? "another category"} />
        ))}
      </p>
      <p class="feedback-line">
        {told.teaching && (
          <a class="feedback-teaching" href={`/p/${project}/images?changed=${told.teaching.version}`}>
            {teachingSays(told.teaching.corrections, told.teaching.changed, told.teaching.mine)}
          </a>
        )}
        {means && <span class="faint feedback-means">{means}</span>}
        {!told.teaching && !means && made > 0 && <span class="faint">{plural(made, "image")} done</span>}
      </p>
    </div>
  );
}

/** A known-wrong tile that was taken for right: what it is, kindly. */
function Missed({ thumb, name }: { thumb: string; name: string }) {
  return (
    <span class="missed" title={`This one is known to be ${name}; it was not labelled.`}>
      <img src={thumb} alt="" width="32" height="32" />
      <span>is {name}</span>
    </span>
  );
}

function LastAct({ last, taxonomy }: { last: Answer; taxonomy: Taxonomy }) {
  const category = taxonomy.byId.get(last.category ?? 0);
  const others = last.excepted ?? 0;
  return (
    <span class="last-act">
      <span class="faint">last</span>
      {category && <Dot hue={category.hue} />}
      <span>
        {last.kind === "page" ? `${count(last.confirmed ?? 0)} ` : ""}
        {category?.name ?? KINDS[last.kind]}
        {others > 0 ? `, ${count(others)} not` : ""}
      </span>
    </span>
  );
}
