import { messageOf } from "@/api/client";
import { gold } from "@/api/endpoints";
import { touched } from "@/api/events";
import { plural } from "@/core/format";
import { toast } from "@/ui/Toasts";

/** Marks images as known for certain; only those on which people agree become gold. */
export async function markGold(project: number, images: readonly number[]): Promise<void> {
  try {
    const { gold: total } = await gold.mark(project, images);
    touched("annotations");
    toast(`Marked. The project has ${plural(total, "gold image")} to measure attention with`, {
      action: { text: "Undo", run: () => void unmark(project, images) },
    });
  } catch (error) {
    toast(messageOf(error), { tone: "danger" });
  }
}

async function unmark(project: number, images: readonly number[]): Promise<void> {
  try {
    await gold.unmark(project, images);
    touched("annotations");
  } catch (error) {
    toast(messageOf(error), { tone: "danger" });
  }
}
