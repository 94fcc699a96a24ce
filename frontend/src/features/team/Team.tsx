import { useEffect, useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { messageOf } from "@/api/client";
import { members as endpoint } from "@/api/endpoints";
import { useResource } from "@/api/resource";
import { user } from "@/api/session";
import { useProject } from "@/api/shared";
import type { Member, Role } from "@/api/types";
import { mayOwn } from "@/core/roles";
import { Button } from "@/ui/Button";
import { Field, Select } from "@/ui/Field";
import { Failed } from "@/ui/States";
import { toast } from "@/ui/Toasts";
import { Tokens } from "./Tokens";
import "./team.css";

const ROLES: readonly (readonly [Role, string])[] = [
  ["owner", "Owner"],
  ["reviewer", "Reviewer"],
  ["annotator", "Annotator"],
  ["viewer", "Viewer"],
];

const MEANS: Readonly<Record<Role, string>> = {
  owner: "everything",
  reviewer: "label, review, start runs",
  annotator: "label",
  viewer: "look",
};

export default function Team() {
  const { params } = useRoute();
  const project = Number(params.id);
  const owner = mayOwn(useProject(project).data?.role);
  const { data, error, reload } = useResource(`members/${project}`, (signal) => endpoint.list(project, signal));
  useEffect(() => {
    document.title = "Team · Winnow";
  }, []);

  const attempt = async (act: Promise<unknown>): Promise<boolean> => {
    try {
      await act;
      reload();
      return true;
    } catch (problem) {
      toast(messageOf(problem), { tone: "danger" });
      return false;
    }
  };

  return (
    <div class="page team">
      <div class="page-head">
        <h1>Team</h1>
      </div>
      <section class="stack">
        <h2>Members</h2>
        {error && <Failed error={error} onRetry={reload} />}
        <ul class="members">
          {data?.items.map((member) => (
            <MemberRow
              key={member.user.id}
              member={member}
              editable={owner}
              onRole={(role) => void attempt(endpoint.change(project, member.user.id, role))}
              onRemove={() => void attempt(endpoint.remove(project, member.user.id))}
            />
          ))}
        </ul>
        {owner && <AddMember onAdd={(username, role) => attempt(endpoint.add(project, username, role))} />}
      </section>
      <Tokens />
    </div>
  );
}

interface RowProps {
  member: Member;
  editable: boolean;
  onRole: (role: Role) => void;
  onRemove: () => void;
}

function MemberRow({ member, editable, onRole, onRemove }: RowProps) {
  const [asking, setAsking] = useState(false);
  const self = member.user.id === user.value?.id;
  return (
    <li class="member">
      <span class="member-name">
        {member.user.username}
        {self && <span class="small faint"> you</span>}
      </span>
      <span class="small muted">{MEANS[member.role]}</span>
      {editable && !self ? (
        <>
          <Select
            label={`Role of ${member.user.username}`}
            hideLabel
            value={member.role}
            options={ROLES}
            onChange={onRole}
          />
          {asking ? (
            <span class="row">
              <Button kind="danger" onClick={onRemove}>
                Remove
              </Button>
              <Button kind="quiet" onClick={() => setAsking(false)}>
                Keep
              </Button>
            </span>
          ) : (
            <Button kind="quiet" onClick={() => setAsking(true)} aria-label={`Remove ${member.user.username}`}>
              Remove
            </Button>
          )}
        </>
      ) : (
        <span>{ROLES.find(([role]) => role === member.role)?.[1]}</span>
      )}
    </li>
  );
}

function AddMember({ onAdd }: { onAdd: (username: string, role: Role) => Promise<boolean> }) {
  const [username, setUsername] = useState("");
  const [role, setRole] = useState<Role>("annotator");
  return (
    <form
      class="add-member"
      onSubmit={async (event) => {
        event.preventDefault();
        if (await onAdd(username.trim(), role)) setUsername("");
      }}
    >
      <Field label="User name" value={username} onInput={setUsername} autocomplete="off" required />
      <Select label="Role" value={role} options={ROLES} onChange={setRole} />
      <Button type="submit" disabled={username.trim() === ""}>
        Add member
      </Button>
    </form>
  );
}
