import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { messageOf } from "@/api/client";
import { projects } from "@/api/endpoints";
import type { Project } from "@/api/types";
import { Button } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { toast } from "@/ui/Toasts";

/** Deleting a project: its name has to be typed, character for character. */
export function DangerZone({ project }: { project: Project }) {
  const [typed, setTyped] = useState("");
  const { route } = useLocation();
  const gone = async (): Promise<void> => {
    try {
      await projects.remove(project.id, typed);
      toast(`${project.name} is deleted`);
      route("/");
    } catch (error) {
      toast(messageOf(error), { tone: "danger" });
    }
  };
  return (
    <section class="danger-zone">
      <h2>Delete this project</h2>
      <p class="small muted">
        Its images, labels, predictions and exports go with it. Nothing of it can be brought back.
      </p>
      <form
        class="row danger-row"
        onSubmit={(event) => {
          event.preventDefault();
          void gone();
        }}
      >
        <Field label={`Type ${project.name} to confirm`} value={typed} onInput={setTyped} autocomplete="off" />
        <Button kind="danger" type="submit" disabled={typed !== project.name}>
          Delete project
        </Button>
      </form>
    </section>
  );
}
