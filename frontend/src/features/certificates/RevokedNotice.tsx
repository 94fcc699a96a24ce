import type { Revoked } from "@/api/types";
import { ago, share } from "@/core/format";
import "./revoked.css";

/** A broken promise is told to everyone who works here, with the reason, until its labels are taken back. */
export function RevokedNotice({ project, notice }: { project: number; notice: Revoked }) {
  return (
    <section class="revoked" aria-label={`Certificate ${notice.id} was revoked`}>
      <p>
        <strong class="danger">The promise of at most {share(notice.error)} wrong labels was revoked</strong>{" "}
        <span class="small muted">{ago(notice.at)}</span>
      </p>
      <p class="small">
        {notice.text} No export calls those labels certified any more.{" "}
        <a href={`/p/${project}/certificates`}>See the certificate</a>
      </p>
    </section>
  );
}
