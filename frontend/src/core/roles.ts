/** What each role may do; the server has the last word, this only spares people buttons that would refuse them. */
export type RoleName = "owner" | "reviewer" | "annotator" | "viewer";

const RANK: Readonly<Record<RoleName, number>> = { viewer: 0, annotator: 1, reviewer: 2, owner: 3 };

const atLeast = (role: RoleName | undefined, least: RoleName): boolean =>
  role !== undefined && RANK[role] >= RANK[least];

export const mayOwn = (role: RoleName | undefined): boolean => atLeast(role, "owner");
export const mayAnnotate = (role: RoleName | undefined): boolean => atLeast(role, "annotator");
export const mayReview = (role: RoleName | undefined): boolean => atLeast(role, "reviewer");
