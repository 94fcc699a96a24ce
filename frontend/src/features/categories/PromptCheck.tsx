import { useState } from "preact/hooks";
import { ApiError, messageOf } from "@/api/client";
import { categories as endpoint } from "@/api/endpoints";
import type { Category, ImageItem } from "@/api/types";
import { Button } from "@/ui/Button";

/** What the model takes a description to mean, as images: the quickest way to see that a prompt is good. */
export function PromptCheck({ project, category }: { project: number; category: Category }) {
  const [text, setText] = useState(category.name);
  const [found, setFound] = useState<readonly ImageItem[] | null>(null);
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const look = async (): Promise<void> => {
    setBusy(true);
    setNote("");
    try {
      const { items } = await endpoint.preview(project, category.id, text);
      setFound(items);
      if (items.length === 0) setNote("No image is near it.");
    } catch (error) {
      const asleep = error instanceof ApiError && error.code === "no_worker";
      setNote(asleep ? "No worker is running that could read it now." : messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="check">
      <div class="row">
        <input
          class="input"
          aria-label="Words to try"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <Button icon="search" disabled={busy || text.trim() === ""} onClick={() => void look()}>
          Nearest images
        </Button>
      </div>
      {note && (
        <p class="small muted" role="status">
          {note}
        </p>
      )}
      {found && found.length > 0 && (
        <ul class="check-images">
          {found.slice(0, 12).map((image) => (
            <li key={image.id}>
              <a href={`/p/${project}/images?view=${image.id}`}>
                <img src={image.thumb} alt={image.name} width="72" height="72" loading="lazy" />
              </a>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
