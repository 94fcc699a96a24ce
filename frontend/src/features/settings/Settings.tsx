import { useEffect } from "preact/hooks";
import { useRoute } from "preact-iso";
import { useProject } from "@/api/shared";
import { mayOwn } from "@/core/roles";
import { Failed, Notice } from "@/ui/States";
import { DangerZone } from "./DangerZone";
import { Encoders } from "./Encoders";
import { SettingsForm } from "./SettingsForm";
import "./settings.css";

export default function Settings() {
  const { params } = useRoute();
  const id = Number(params.id);
  const { data: project, error, reload } = useProject(id);
  useEffect(() => {
    document.title = "Settings · Winnow";
  }, []);
  const owner = mayOwn(project?.role);
  return (
    <div class="page settings">
      <div class="page-head">
        <h1>Settings</h1>
      </div>
      {error && <Failed error={error} onRetry={reload} />}
      {project && !owner && <Notice>Only an owner changes these. This is how they stand.</Notice>}
      {project && (
        <>
          <SettingsForm key={project.id} project={project} editable={owner} onSaved={reload} />
          <Encoders project={project} editable={owner} onChanged={reload} />
          {owner && <DangerZone project={project} />}
        </>
      )}
    </div>
  );
}
