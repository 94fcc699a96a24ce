import { useEffect } from "preact/hooks";
import { outbox, unsaved } from "@/api/outbox";
import { signInAgain, user } from "@/api/session";
import { plural } from "@/core/format";
import { Dialog } from "@/ui/Dialog";
import { SignInForm } from "./Login";

/** Over the page that a person was working on: the page stays, the work stays, only the password is asked for. */
export function SignInAgain() {
  const person = user.value;
  const asked = signInAgain.value;
  useEffect(() => {
    if (!asked && person && outbox.state === "signed-out") void outbox.open(person.id);
  }, [asked, person]);
  if (!asked || !person) return null;
  return (
    <Dialog title="Your session has ended" onClose={null}>
      <p class="muted">
        {unsaved.value > 0
          ? `${plural(unsaved.value, "label is", "labels are")} kept safe in this browser. Sign in to save and go on where you were.`
          : "Sign in to go on where you were."}
      </p>
      <SignInForm username={person.username} />
    </Dialog>
  );
}
