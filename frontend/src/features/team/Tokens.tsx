import { useState } from "preact/hooks";
import { messageOf } from "@/api/client";
import { tokens as endpoint } from "@/api/endpoints";
import { useResource } from "@/api/resource";
import type { ApiToken } from "@/api/types";
import { ago } from "@/core/format";
import { Button } from "@/ui/Button";
import { Field, Select } from "@/ui/Field";
import { Failed } from "@/ui/States";
import { toast } from "@/ui/Toasts";

const LIFETIMES = [
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "One year"],
] as const;

/** A person's own keys to the REST API. The secret is shown once; only its hash is kept. */
export function Tokens() {
  const { data, error, reload } = useResource("tokens", endpoint.list);
  const [fresh, setFresh] = useState<ApiToken | null>(null);
  const revoke = async (id: number): Promise<void> => {
    try {
      await endpoint.revoke(id);
      if (fresh?.id === id) setFresh(null);
      reload();
    } catch (problem) {
      toast(messageOf(problem), { tone: "danger" });
    }
  };
  return (
    <section class="stack">
      <div>
        <h2>Your API tokens</h2>
        <p class="muted">For scripts and pipelines. A token may do what you may do, in every project of yours.</p>
      </div>
      {error && <Failed error={error} onRetry={reload} />}
      {fresh?.token && <FreshToken name={fresh.name} token={fresh.token} onDone={() => setFresh(null)} />}
      <ul class="members">
        {data?.items.map((token) => (
          <li key={token.id} class="member">
            <span class="member-name">{token.name}</span>
            <code class="small">{token.prefix}…</code>
            <span class="small muted">{token.last_used_at ? `used ${ago(token.last_used_at)}` : "never used"}</span>
            <Button kind="quiet" onClick={() => void revoke(token.id)} aria-label={`Revoke ${token.name}`}>
              Revoke
            </Button>
          </li>
        ))}
      </ul>
      <NewToken
        onMade={(token) => {
          setFresh(token);
          reload();
        }}
      />
    </section>
  );
}

function FreshToken({ name, token, onDone }: { name: string; token: string; onDone: () => void }) {
  const [copied, setCopied] = useState(false);
  return (
    <div class="fresh" role="status">
      <p>
        <strong>{name}</strong> is ready. Copy it now: it is not shown again.
      </p>
      <div class="row">
        <code class="fresh-token">{token}</code>
        <Button icon="copy" onClick={() => void navigator.clipboard.writeText(token).then(() => setCopied(true))}>
          {copied ? "Copied" : "Copy"}
        </Button>
        <Button kind="quiet" onClick={onDone}>
          Done
        </Button>
      </div>
    </div>
  );
}

function NewToken({ onMade }: { onMade: (token: ApiToken) => void }) {
  const [name, setName] = useState("");
  const [lifetime, setLifetime] = useState<(typeof LIFETIMES)[number][0]>("90");
  const [error, setError] = useState("");
  return (
    <form
      class="add-member"
      onSubmit={async (event) => {
        event.preventDefault();
        try {
          onMade(await endpoint.create(name.trim(), Number(lifetime)));
          setName("");
          setError("");
        } catch (problem) {
          setError(messageOf(problem));
        }
      }}
    >
      <Field
        label="Name of the token"
        value={name}
        onInput={setName}
        placeholder="nightly export"
        error={error}
        required
      />
      <Select label="Valid for" value={lifetime} options={LIFETIMES} onChange={setLifetime} />
      <Button type="submit" disabled={name.trim() === ""}>
        Create token
      </Button>
    </form>
  );
}
