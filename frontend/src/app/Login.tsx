import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { messageOf } from "@/api/client";
import { signIn, user } from "@/api/session";
import { Button } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { Mark } from "@/ui/Icon";
import "./login.css";

/** Only a path of this very site: an address out of the query leads nowhere else. */
export const safeNext = (next: string | undefined): string => (next && /^\/(?![/\\])/.test(next) ? next : "/");

export function Login() {
  const { query, route } = useLocation();
  const next = safeNext(query.next);
  const signedIn = user.value !== null && user.value !== undefined;
  useEffect(() => {
    document.title = "Sign in · Winnow";
    if (signedIn) route(next, true);
  }, [signedIn, next, route]);
  return (
    <main class="login">
      <Drift />
      <section class="login-form">
        <div class="login-mark">
          <Mark size={30} />
          <h1>Winnow</h1>
        </div>
        <p class="muted">From a pile of images to a dataset you can trust.</p>
        <SignInForm />
      </section>
    </main>
  );
}

export function SignInForm({ username: known }: { username?: string }) {
  const [username, setUsername] = useState(known ?? "");
  const [password, setPassword] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      await signIn(username, password);
    } catch (problem) {
      setError(messageOf(problem));
      setPassword("");
    } finally {
      setBusy(false);
    }
  };

  return (
    <form class="stack" onSubmit={submit}>
      <Field
        label="User name"
        name="username"
        autocomplete="username"
        required
        focus={known === undefined}
        readOnly={known !== undefined}
        value={username}
        onInput={setUsername}
      />
      <Field
        label="Password"
        name="password"
        type="password"
        autocomplete="current-password"
        required
        focus={known !== undefined}
        value={password}
        error={error}
        onInput={setPassword}
      />
      <Button kind="primary" type="submit" disabled={busy}>
        Sign in
      </Button>
    </form>
  );
}

/** A field of tiles of which some have been picked out: what the tool does, as a picture. */
function Drift() {
  const columns = 16;
  const rows = 10;
  const tiles = Array.from({ length: columns * rows }, (_, at) => {
    const noise = Math.abs(Math.sin(at * 12.9898) * 43758.5453) % 1;
    const column = at % columns;
    const sorted = noise < (column / columns) ** 1.6;
    return { column, row: Math.floor(at / columns), noise, sorted };
  });
  return (
    <svg class="login-drift" viewBox="0 0 640 400" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      {tiles.map(({ column, row, noise, sorted }) => (
        <rect
          key={`${column}-${row}`}
          x={column * 40 + 7}
          y={row * 40 + 7}
          width="26"
          height="26"
          rx="6"
          class={sorted ? "drift-sorted hued" : "drift-open"}
          style={{ "--hue": String(Math.round((row / rows) * 300 + 20)), opacity: String(0.35 + noise * 0.5) }}
        />
      ))}
    </svg>
  );
}
