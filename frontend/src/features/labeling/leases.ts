import { pages, queue } from "@/api/endpoints";
import type { LabelingPage } from "@/api/page-types";
import type { LeasedItem } from "@/api/types";
import { type Entry, oneEntry, pageEntry, wantOnes, wantPages } from "@/core/entry";
import type { QueueOptions } from "@/core/queue";

export type DeskEntry = Entry<LeasedItem, LabelingPage>;

/** Pages with single images between them, all or of one category; or single images alone. */
export interface Source {
  readonly kind: "pages" | "one";
  readonly category?: number;
}

const pageIds = (entries: readonly DeskEntry[]): string[] =>
  entries.flatMap((entry) => (entry.kind === "page" ? [entry.page.id] : []));
const tokens = (entries: readonly DeskEntry[]): string[] =>
  entries.flatMap((entry) => (entry.kind === "one" ? [entry.item.token] : []));

/** Where what lies on the desk comes from. `tilesMost` is asked at each lease: windows change their size. */
export function leasing(project: number, source: Source, tilesMost: () => number): QueueOptions<DeskEntry> {
  if (source.kind === "one") {
    return {
      want: wantOnes,
      lease: async (count, held) => {
        const { items, ...rest } = await queue.lease(project, count, tokens(held));
        return { ...rest, items: items.map(oneEntry) };
      },
    };
  }
  return {
    want: wantPages,
    lease: async (count, held) => {
      await new Promise((painted) => setTimeout(painted)); // the page that follows this key comes first
      const { category } = source;
      const { entries, empty, remaining } = await pages.lease(project, {
        count: Math.min(count, 4),
        tiles_max: tilesMost(),
        holding: [...pageIds(held), ...tokens(held)],
        ...(category === undefined ? {} : { category }),
      });
      const items = entries.flatMap<DeskEntry>(({ page, item }) =>
        page !== null ? pageEntry(page) : item !== null ? oneEntry(item) : [],
      );
      return { items, empty, remaining };
    },
  };
}

/** While a person works, what is on the desk stays theirs. Returns the pages that it came too late for. */
export async function leasesRenew(project: number, entries: readonly DeskEntry[]): Promise<string[]> {
  const [held, single] = [pageIds(entries), tokens(entries)];
  if (single.length > 0) void queue.renew(project, single).catch(() => undefined);
  if (held.length === 0) return [];
  const kept = await pages.renew(project, held).catch(() => ({ pages: held }));
  return held.filter((page) => !kept.pages.includes(page));
}

/** Hands back what was not answered, also from a tab that is closing. */
export function leasesRelease(project: number, entries: readonly DeskEntry[]): void {
  const [held, single] = [pageIds(entries), tokens(entries)];
  if (held.length > 0) void pages.release(project, held).catch(() => undefined);
  if (single.length > 0) void queue.release(project, single).catch(() => undefined);
}
