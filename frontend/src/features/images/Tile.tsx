import type { Category, ImageItem } from "@/api/types";
import { probability } from "@/core/format";
import { Dot } from "@/ui/Category";
import { Icon } from "@/ui/Icon";

interface TileProps {
  image: ImageItem;
  byId: ReadonlyMap<number, Category>;
  selected: boolean;
  selecting: boolean;
  onOpen: () => void;
  onSelect: (event: MouseEvent) => void;
}

export function Tile({ image, byId, selected, selecting, onOpen, onSelect }: TileProps) {
  const { consensus, prediction } = image;
  const given = byId.get(consensus?.category ?? 0);
  const guessed = byId.get(prediction?.category ?? 0);
  const words = given ? given.name : guessed ? `${guessed.name}?` : "not labelled";
  return (
    <div class={`tile ${selected ? "tile-selected" : ""}`}>
      <button
        type="button"
        class="tile-open"
        aria-label={`${image.name}, ${words}`}
        onClick={(event) => (selecting || event.shiftKey ? onSelect(event) : onOpen())}
      >
        <img src={image.thumb} alt="" loading="lazy" decoding="async" draggable={false} />
      </button>
      <button
        type="button"
        class="tile-check"
        aria-pressed={selected}
        aria-label={`Select ${image.name}`}
        title="Select (Shift takes everything between)"
        onClick={onSelect}
      >
        <Icon name="check" size={14} />
      </button>
      {(given ?? guessed ?? consensus) && (
        <span class="tile-words" aria-hidden="true">
          {given && <Dot hue={given.hue} />}
          {!given && guessed && <span class="tile-guess" style={{ "--hue": String(guessed.hue) }} />}
          <span class="tile-name">{given?.name ?? guessed?.name ?? consensus?.state}</span>
          {!given && prediction && <span class="tile-p">{probability(prediction.probability)}</span>}
          {consensus?.state === "flagged" && <Icon name="flag" size={14} />}
        </span>
      )}
      {image.duplicates > 0 && (
        <span class="tile-copies" title="Near-duplicates of this image">
          ×{image.duplicates + 1}
        </span>
      )}
    </div>
  );
}
