import { LinkButton } from "@/ui/Button";
import { Empty } from "@/ui/States";

export function NotFound() {
  return (
    <Empty title="There is nothing here">
      <p>This address leads nowhere, or to a project that you are not a member of.</p>
      <LinkButton href="/">All projects</LinkButton>
    </Empty>
  );
}
