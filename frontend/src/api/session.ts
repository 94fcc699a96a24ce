import { signal } from "@preact/signals";
import { ApiError, whenUnauthorized } from "./client";
import { session as endpoint } from "./endpoints";
import type { User } from "./types";

/** undefined: not known yet; null: nobody is signed in. */
export const user = signal<User | null | undefined>(undefined);

/** The session ended under a person's hands: they sign in again on the spot and nothing is lost. */
export const signInAgain = signal(false);

export function askToSignIn(): void {
  if (user.peek()) signInAgain.value = true;
}

whenUnauthorized(askToSignIn);

export async function readSession(): Promise<void> {
  try {
    user.value = (await endpoint.read()).user;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    user.value = null;
  }
}

export async function signIn(username: string, password: string): Promise<User> {
  const answer = await endpoint.start(username, password);
  user.value = answer.user;
  signInAgain.value = false;
  return answer.user;
}

export async function signOut(): Promise<void> {
  await endpoint.end();
  user.value = null;
}
