import type { Share } from "@/api/insights";
import { percent } from "@/core/format";
import { IntervalLine } from "@/ui/Curve";

/** A share with its interval, or how much is missing until it can be told. */
export function ShareText({ share, of = "compared" }: { share: Share; of?: string }) {
  if (share.value === null) {
    return (
      <span class="small faint">
        not yet known ({share.n} of {share.n + share.needed} {of})
      </span>
    );
  }
  return (
    <span class="row share-text">
      <IntervalLine low={share.low} value={share.value} high={share.high} />
      <span class="small">
        {percent(share.value, 0)}
        <span class="faint">
          {" "}
          {percent(share.low, 0).replace(" %", "")}–{percent(share.high, 0)}
        </span>
      </span>
    </span>
  );
}
