import { useState } from "preact/hooks";
import { annotate } from "@/api/outbox";
import type { Taxonomy } from "@/api/shared";
import type { Category, Role } from "@/api/types";
import { plural } from "@/core/format";
import { mayAnnotate, mayReview } from "@/core/roles";
import type { Selection } from "@/core/selection";
import { Button } from "@/ui/Button";
import { CategoryPicker } from "@/ui/CategoryPicker";
import { useCommands } from "@/ui/commands";
import { toast } from "@/ui/Toasts";
import { markGold } from "./gold";

interface ActionBarProps {
  project: number;
  role: Role;
  selection: Selection;
  taxonomy: Taxonomy;
  onDone: () => void;
}

/** Rises when something is selected, and says what can be done with it. */
export function ActionBar({ project, role, selection, taxonomy, onDone }: ActionBarProps) {
  const [picking, setPicking] = useState(false);
  const ids = [...selection.ids];
  const tell = (text: string, events: readonly { readonly image: number; readonly id: string }[]): void => {
    toast(text, {
      action: {
        text: "Undo",
        run: () => {
          for (const { image, id } of events) annotate(project, { image, kind: "undo", undoes: id });
        },
      },
    });
    onDone();
  };
  const label = (category: Category): void => {
    const events = ids.map((image) => ({
      image,
      id: annotate(project, { image, kind: "label", category: category.id, evidence_details: { input: "mouse" } }),
    }));
    tell(`${plural(ids.length, "image")} labelled ${category.name}`, events);
  };
  const flag = (): void => {
    const events = ids.map((image) => ({ image, id: annotate(project, { image, kind: "flag" }) }));
    tell(`${plural(ids.length, "image")} flagged`, events);
  };
  const may = mayAnnotate(role);
  useCommands("selection", [
    {
      id: "selection.label",
      title: "Label the selected images",
      category: "Selection",
      keys: ["L"],
      when: () => may,
      run: () => setPicking(true),
    },
    {
      id: "selection.flag",
      title: "Flag the selected images",
      category: "Selection",
      keys: ["F"],
      when: () => may,
      run: flag,
    },
    {
      id: "selection.gold",
      title: "Mark the selected images as gold",
      category: "Selection",
      keys: ["O"],
      when: () => mayReview(role),
      run: () => void markGold(project, ids),
    },
    { id: "selection.clear", title: "Select nothing", category: "Selection", keys: ["Escape"], run: onDone },
  ]);
  return (
    <div class="actions" role="toolbar" aria-label="Selected images">
      {picking && (
        <div class="actions-pick">
          <CategoryPicker
            label="Category for the selected images"
            items={taxonomy.active}
            onPick={label}
            onClose={() => setPicking(false)}
          />
        </div>
      )}
      <strong>{plural(ids.length, "image")}</strong>
      {may && (
        <>
          <Button kind="primary" icon="label" command="selection.label" onClick={() => setPicking(!picking)}>
            Label
          </Button>
          <Button icon="flag" command="selection.flag" onClick={flag}>
            Flag
          </Button>
        </>
      )}
      {mayReview(role) && (
        <Button icon="star" command="selection.gold" onClick={() => void markGold(project, ids)}>
          Gold
        </Button>
      )}
      <Button kind="quiet" command="selection.clear" onClick={onDone}>
        Clear
      </Button>
    </div>
  );
}
