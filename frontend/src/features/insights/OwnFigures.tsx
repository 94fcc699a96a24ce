import type { Annotator } from "@/api/insights";
import type { Taxonomy } from "@/api/shared";
import { count, percent, plural } from "@/core/format";
import { Chip } from "@/ui/Category";
import { Notice } from "@/ui/States";
import { ShareText } from "./ShareText";
import { GRADES, pace, signsOf } from "./words";

const SHOWN = 6;

/** A person's own figures, before anybody else's: what they rest on and what would help. */
export function OwnFigures({ me, taxonomy }: { me: Annotator; taxonomy: Taxonomy }) {
  const { anchoring } = me;
  const told = me.categories
    .filter(({ value }) => value !== null)
    .sort((one, other) => (one.value ?? 0) - (other.value ?? 0));
  return (
    <section class="own" aria-label="Your own figures">
      <h2>You</h2>
      {me.led && (
        <Notice tone="warn">
          <div>
            <strong>You seem to take what is suggested.</strong> {signsOf(me).join(" ")} Look at the image before the
            suggestion.
          </div>
        </Notice>
      )}
      <dl class="own-facts">
        <div>
          <dt>Labels</dt>
          <dd>{count(me.labels)}</dd>
        </div>
        <div>
          <dt>Agrees with the others</dt>
          <dd>
            <ShareText share={me.agreement} />
          </dd>
        </div>
        <div>
          <dt>Wrong when answering blind</dt>
          <dd>
            <ShareText share={me.blind_error} />
          </dd>
        </div>
        <div>
          <dt>Pull of a wrong suggestion</dt>
          <dd>
            {anchoring.pull === null ? (
              <span class="small faint">
                not yet known ({plural(anchoring.misled, "wrong suggestion")} seen, {count(anchoring.unseen)} answered
                blind)
              </span>
            ) : (
              <span class="small">
                {percent(anchoring.pull.value, 0)}
                <span class="faint">
                  {" "}
                  {percent(anchoring.pull.low, 0)} to {percent(anchoring.pull.high, 0)}
                </span>
              </span>
            )}
          </dd>
        </div>
        <div>
          <dt>Known-wrong tiles caught</dt>
          <dd class="small">{me.planted > 0 ? `${count(me.caught)} of ${count(me.planted)}` : "none seen yet"}</dd>
        </div>
        <div>
          <dt>Time a label</dt>
          <dd class="small">
            {me.speeds.length === 0 && <span class="faint">not timed yet</span>}
            {me.speeds.map(({ evidence, median_ms }) => (
              <div key={evidence}>
                {pace(median_ms)} <span class="faint">{GRADES[evidence]}</span>
              </div>
            ))}
          </dd>
        </div>
      </dl>
      {told.length > 0 && (
        <p class="small own-categories">
          <span class="muted">Hardest for you:</span>{" "}
          {told.slice(0, SHOWN).map(({ category, value }) => (
            <Chip key={category} hue={taxonomy.byId.get(category)?.hue ?? 0}>
              {taxonomy.byId.get(category)?.name ?? "?"} {percent(value ?? 0, 0)}
            </Chip>
          ))}
        </p>
      )}
    </section>
  );
}
