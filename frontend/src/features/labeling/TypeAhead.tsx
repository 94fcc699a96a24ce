import type { Taxonomy } from "@/api/shared";
import { CategoryPicker } from "@/ui/CategoryPicker";
import type { LabelingDesk } from "./useDesk";

interface TypeAheadProps {
  taxonomy: Taxonomy;
  desk: LabelingDesk;
  initial: string;
  /** On the half of the page where the tile is not. */
  right: boolean;
  label: string;
  onPick: (category: number) => void;
  onClose: () => void;
}

/** Any category for one tile, beside the tile and not over it. */
export function TypeAhead({ taxonomy, desk, initial, right, label, onPick, onClose }: TypeAheadProps) {
  return (
    <div class={`type-ahead ${right ? "type-ahead-right" : ""}`}>
      <CategoryPicker
        label={label}
        initial={initial}
        items={taxonomy.active}
        recent={desk.recent.flatMap((id) => taxonomy.byId.get(id) ?? [])}
        onPick={({ id }) => onPick(id)}
        onClose={onClose}
      />
    </div>
  );
}
