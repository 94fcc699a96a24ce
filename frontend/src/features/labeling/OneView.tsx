import { useLayoutEffect, useState } from "preact/hooks";
import type { Taxonomy } from "@/api/shared";
import type { LeasedItem } from "@/api/types";
import type { Input } from "@/core/entry";
import { useCommands } from "@/ui/commands";
import { Stage } from "@/ui/Stage";
import { type Mode, oneCommands } from "./oneCommands";
import { Side } from "./Side";
import type { LabelingDesk, Pictures } from "./useDesk";
import type { Feedback } from "./useFeedback";

interface OneViewProps {
  project: number;
  desk: LabelingDesk;
  item: LeasedItem;
  taxonomy: Taxonomy;
  pictures: Pictures;
  feedback: Feedback;
  announce: (text: string) => void;
}

/** One image that deserves a look of its own: a hard one, or one that measures the model and shows no suggestion. */
export function OneView({ project, desk, item, taxonomy, pictures, feedback, announce }: OneViewProps) {
  const [mode, setMode] = useState<Mode>("look");
  const [zoomed, setZoomed] = useState(false);
  const { id, name } = item.image;
  useLayoutEffect(() => {
    setMode("look");
    setZoomed(false);
  }, [id]);
  useLayoutEffect(
    () => announce(item.blind ? `${name}, on its own, without suggestions` : `${name}, on its own`),
    [name, item.blind, announce],
  );

  const give = (category: number, input: Input): void => {
    setMode("look");
    desk.label(category, input);
  };
  useCommands("label", oneCommands({ desk, item, byId: taxonomy.byId, give, setMode, setZoomed }));
  return (
    <div class="one">
      <h1 class="visually-hidden">Label one image</h1>
      <Stage image={item.image} blind={item.blind} pictures={pictures} zoomed={zoomed} setZoomed={setZoomed} />
      <Side {...{ project, desk, item, taxonomy, mode, setMode, give, feedback }} />
    </div>
  );
}
