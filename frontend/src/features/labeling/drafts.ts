import { user } from "@/api/session";
import type { DraftStore } from "@/core/desk";
import type { Draft } from "@/core/sheet";

/** What was said on a page that is not sent yet stays in this browser: a closed tab costs no second look. */
export function draftsOf(project: number): DraftStore {
  const key = `winnow.page.${user.peek()?.id ?? 0}.${project}`;
  return {
    read: () => {
      try {
        return JSON.parse(localStorage.getItem(key) ?? "null") as Draft | null;
      } catch {
        return null;
      }
    },
    write: (draft) => {
      try {
        if (draft === null || draft.exceptions.length === 0) localStorage.removeItem(key);
        else localStorage.setItem(key, JSON.stringify(draft));
      } catch {
        // a browser without storage forgets an unfinished page; what was sent is not touched by it
      }
    },
  };
}
