import { useRef } from "preact/hooks";
import { forgetResources } from "@/api/resource";
import { signOut, user } from "@/api/session";
import { Button } from "@/ui/Button";
import { THEMES, theme } from "./theme";

export function UserMenu({ onHelp }: { onHelp: () => void }) {
  const menu = useRef<HTMLDivElement>(null);
  const name = user.value?.first_name || user.value?.username || "";
  const leave = async (): Promise<void> => {
    await signOut();
    forgetResources();
  };
  return (
    <>
      <Button kind="quiet" icon="help" aria-label="All keys" title="All keys (?)" onClick={onHelp} />
      <button type="button" class="avatar" popovertarget="user-menu" aria-label={`${name}: settings and sign out`}>
        {name.slice(0, 1).toUpperCase()}
      </button>
      <div ref={menu} id="user-menu" popover="auto" class="user-menu">
        <p>
          <strong>{name}</strong>
        </p>
        <fieldset>
          <legend class="small muted">Appearance</legend>
          <div class="segments">
            {THEMES.map((choice) => (
              <label key={choice}>
                <input
                  type="radio"
                  name="theme"
                  checked={theme.value === choice}
                  onChange={() => {
                    theme.value = choice;
                  }}
                />
                <span>{choice === "system" ? "System" : choice === "light" ? "Light" : "Dark"}</span>
              </label>
            ))}
          </div>
        </fieldset>
        {user.value?.is_staff && (
          <a href="/admin/" target="_self" class="small">
            Operations and taxonomy dashboard
          </a>
        )}
        <Button onClick={() => void leave()}>Sign out</Button>
      </div>
    </>
  );
}
