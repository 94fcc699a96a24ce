import { useState } from "preact/hooks";
import { messageOf } from "@/api/client";
import { touched } from "@/api/events";
import type { Reading } from "@/api/insights";
import { ago, plural } from "@/core/format";
import { Progress } from "@/ui/Bar";
import { Button } from "@/ui/Button";
import { toast } from "@/ui/Toasts";

interface MeasuredProps {
  reading: Reading;
  /** What the button says: the first time, and from then on. */
  first: string;
  again: string;
  may: boolean;
  start: () => Promise<unknown>;
}

/** How old what is shown is, and the button that makes it new; while a worker is at it, how far it has come. */
export function Measured({ reading, first, again, may, start }: MeasuredProps) {
  const [busy, setBusy] = useState(false);
  const { at, since, job } = reading;
  const ask = async (): Promise<void> => {
    setBusy(true);
    try {
      await start();
      touched("insights", "jobs");
    } catch (failure) {
      toast(messageOf(failure), { tone: "danger" });
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="measured">
      <span class="small muted">
        {at === null ? "Not measured yet." : `Measured ${ago(at)}.`}
        {at !== null && since > 0 && ` ${plural(since, "annotation")} since.`}
      </span>
      {job !== null ? (
        <Progress done={job.done} total={job.total} label="Being measured" />
      ) : (
        may &&
        (at === null || since > 0) && (
          <Button kind={at === null ? "primary" : "plain"} disabled={busy} onClick={() => void ask()}>
            {at === null ? first : again}
          </Button>
        )
      )}
    </div>
  );
}
