import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { ApiError, messageOf } from "@/api/client";
import { projects } from "@/api/endpoints";
import { useResource } from "@/api/resource";
import type { ProjectCard } from "@/api/types";
import { count } from "@/core/format";
import { Bar } from "@/ui/Bar";
import { Button } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { Mosaic } from "@/ui/Mosaic";
import { Failed } from "@/ui/States";
import "./projects.css";

export default function Projects() {
  const { data, error, reload } = useResource("projects", projects.list);
  const [creating, setCreating] = useState(false);
  useEffect(() => {
    document.title = "Projects · Winnow";
  }, []);
  const none = data?.items.length === 0;
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <h1>Projects</h1>
          {none && <p>A project holds a pile of images, the names they can have, and what people said about them.</p>}
        </div>
        {!none && !creating && (
          <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
            New project
          </Button>
        )}
      </div>
      {error && <Failed error={error} onRetry={reload} />}
      {(creating || none) && <NewProject onCancel={none ? undefined : () => setCreating(false)} />}
      <ul class="cards">
        {data?.items.map((project) => (
          <li key={project.id}>
            <Card project={project} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Card({ project }: { project: ProjectCard }) {
  const { images, labeled } = project.counts;
  return (
    <a class="card" href={`/p/${project.id}`}>
      <Mosaic urls={project.mosaic} count={9} columns={3} />
      <div class="card-words">
        <div class="spread">
          <h2>{project.name}</h2>
          {project.role !== "owner" && <span class="small faint">{project.role}</span>}
        </div>
        {project.description && <p class="small muted card-about">{project.description}</p>}
        <Bar total={images} parts={[{ value: labeled, tone: "confirmed", label: "labelled" }]} height={6} />
        <p class="small muted">{images === 0 ? "No images yet" : `${count(labeled)} of ${count(images)} labelled`}</p>
        {project.needs && <p class="small card-needs">{project.needs}</p>}
      </div>
    </a>
  );
}

function NewProject({ onCancel }: { onCancel: (() => void) | undefined }) {
  const { route } = useLocation();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      const project = await projects.create({ name: name.trim(), description: description.trim() });
      route(`/p/${project.id}`);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  const fieldError = error instanceof ApiError ? error.fields.name?.[0] : undefined;
  return (
    <form class="new-project" onSubmit={submit}>
      <Field
        label="Name"
        focus
        required
        maxLength={120}
        placeholder="Field guide"
        value={name}
        error={fieldError ?? (error ? messageOf(error) : undefined)}
        onInput={setName}
      />
      <Field
        label="What it is about (optional)"
        placeholder="Beetles from the light traps of 2025"
        value={description}
        onInput={setDescription}
      />
      <div class="row">
        <Button kind="primary" type="submit" disabled={busy || name.trim() === ""}>
          Create project
        </Button>
        {onCancel && (
          <Button kind="quiet" onClick={onCancel}>
            Cancel
          </Button>
        )}
      </div>
    </form>
  );
}
