import { useRoute } from "preact-iso";
import { insights } from "@/api/insights";
import { useResource } from "@/api/resource";
import { user } from "@/api/session";
import { useProject, useTaxonomy } from "@/api/shared";
import { mayAnnotate, mayReview } from "@/core/roles";
import { LinkButton } from "@/ui/Button";
import { Empty, Failed } from "@/ui/States";
import { AgreementPart } from "./AgreementPart";
import { OwnFigures } from "./OwnFigures";
import { PeopleTable, Reliability } from "./PeopleTable";
import { InsightHead } from "./Tabs";

/** How reliable, how fast and how easily led people are: one's own figures first, everybody's for those who review. */
export default function People() {
  const { params } = useRoute();
  const project = Number(params.id);
  const role = useProject(project).data?.role;
  if (role !== undefined && !mayAnnotate(role)) {
    return (
      <Empty title="These figures belong to those who label">
        <p>An owner can make you an annotator; then your own are here.</p>
      </Empty>
    );
  }
  return role === undefined ? null : <Figures project={project} may={mayReview(role)} />;
}

function Figures({ project, may }: { project: number; may: boolean }) {
  const taxonomy = useTaxonomy(project);
  const people = useResource(`annotators/${project}`, (signal) => insights.annotators(project, signal), [
    "annotations",
    "predictions",
  ]);
  const agreement = useResource(`agreement/${project}`, (signal) => insights.agreement(project, signal), [
    "insights",
    "jobs",
  ]);
  const everybody = people.data?.items ?? [];
  const me = everybody.find(({ id }) => id === user.value?.id);
  return (
    <div class="page">
      <InsightHead project={project} title="People">
        How far people agree, how fast they are, and whether a wrong suggestion pulls them along.
      </InsightHead>
      {people.error && <Failed error={people.error} onRetry={people.reload} />}
      {agreement.error && <Failed error={agreement.error} onRetry={agreement.reload} />}
      {people.data && everybody.length === 0 && (
        <div class="nothing">
          <p class="muted">Nobody has labelled anything yet. Figures appear with the first labels.</p>
          <LinkButton href={`/p/${project}/label`}>Label</LinkButton>
        </div>
      )}
      {me && <OwnFigures me={me} taxonomy={taxonomy} />}
      {may && everybody.length > 0 && (
        <section class="insight-part">
          <h2>Everybody</h2>
          <PeopleTable people={everybody} />
        </section>
      )}
      {may && <Reliability people={everybody} taxonomy={taxonomy} />}
      {agreement.data && everybody.length > 0 && (
        <AgreementPart project={project} agreement={agreement.data} people={everybody} taxonomy={taxonomy} may={may} />
      )}
    </div>
  );
}
