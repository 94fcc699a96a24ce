import { useState } from "preact/hooks";
import { messageOf } from "@/api/client";
import { encoders, runs } from "@/api/endpoints";
import { touched } from "@/api/events";
import { useResource } from "@/api/resource";
import type { Encoder, Project } from "@/api/types";
import { Button } from "@/ui/Button";
import { toast } from "@/ui/Toasts";

interface Props {
  project: Project;
  editable: boolean;
  onChanged: () => void;
}

/** Which encoder sees the images, and the runs that follow from it. */
export function Encoders({ project, editable, onChanged }: Props) {
  const { data } = useResource("encoders", encoders.list);
  const [chosen, setChosen] = useState<string | null>(null);
  const live = project.encoder?.name ?? "";

  const start = async (act: Promise<unknown>, said: string): Promise<void> => {
    try {
      await act;
      touched("jobs");
      setChosen(null);
      onChanged();
      toast(said);
    } catch (error) {
      toast(messageOf(error), { tone: "danger" });
    }
  };

  return (
    <>
      <section>
        <h2>Encoder</h2>
        <p class="small muted">
          It turns images into vectors. Changing it looks at every image again; until that is done, the present one
          serves.
        </p>
        <div class="choices" role="radiogroup" aria-label="Encoder">
          {data?.items.map((encoder) => (
            <EncoderChoice
              key={encoder.name}
              encoder={encoder}
              live={encoder.name === live}
              checked={encoder.name === (chosen ?? live)}
              editable={editable}
              onChoose={() => setChosen(encoder.name)}
            />
          ))}
        </div>
        {chosen !== null && chosen !== live && (
          <div class="row">
            <Button
              kind="primary"
              onClick={() =>
                void start(encoders.choose(project.id, chosen), "The new encoder is looking at the images")
              }
            >
              Change to {chosen}
            </Button>
            <Button kind="quiet" onClick={() => setChosen(null)}>
              Keep the present one
            </Button>
          </div>
        )}
      </section>
      {editable && (
        <section>
          <h2>Runs</h2>
          <p class="small muted">Both start by themselves as labels come in. Here you can ask for them now.</p>
          <div class="row">
            <Button icon="repeat" onClick={() => void start(runs.predict(project.id), "Predictions started")}>
              Start predictions
            </Button>
            <Button
              icon="repeat"
              onClick={() => void start(runs.acquire(project.id), "The queue is being ranked again")}
            >
              Rank again
            </Button>
          </div>
        </section>
      )}
    </>
  );
}

interface ChoiceProps {
  encoder: Encoder;
  live: boolean;
  checked: boolean;
  editable: boolean;
  onChoose: () => void;
}

function EncoderChoice({ encoder, live, checked, editable, onChoose }: ChoiceProps) {
  return (
    <label class="choice">
      <input type="radio" name="encoder" checked={checked} disabled={!editable} onChange={onChoose} />
      <span>
        <strong>{encoder.name}</strong>
        <span class="small muted">
          {encoder.dim} dimensions{encoder.has_text ? "" : ", images only"}
          {live ? ", serves now" : encoder.available ? "" : ", not on this server yet"}
        </span>
        <span class="small muted">{encoder.note}</span>
      </span>
    </label>
  );
}
