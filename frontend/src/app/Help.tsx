import { useState } from "preact/hooks";
import { messageOf } from "@/api/client";
import { session } from "@/api/endpoints";
import { user } from "@/api/session";
import type { RegisteredCommand } from "@/core/commands";
import { keyNormalize, keyOf } from "@/core/keymap";
import { Button, Kbd } from "@/ui/Button";
import { registry, registryVersion } from "@/ui/commands";
import { Dialog } from "@/ui/Dialog";
import "./help.css";

const HELD = ["Control", "Shift", "Alt", "Meta"];

/** Made from the registry, so it cannot be out of date; a key can be changed where it is read. */
export function Help({ onClose }: { onClose: () => void }) {
  registryVersion.value;
  const [changing, setChanging] = useState<string | null>(null);
  const [problem, setProblem] = useState("");
  const commands = registry.all().filter(({ scope, keys }) => scope !== "dialog" && keys.length > 0);
  const categories = [...new Set(commands.map(({ category }) => category))];

  const change = async (command: RegisteredCommand, event: KeyboardEvent): Promise<void> => {
    event.preventDefault();
    event.stopPropagation();
    if (HELD.includes(event.key)) return;
    setChanging(null);
    if (event.key === "Escape") return;
    const key = keyNormalize(keyOf(event));
    const owner = commands.find(
      ({ scope, id, keys }) => scope === command.scope && id !== command.id && keys.includes(key),
    );
    if (owner) {
      setProblem(`${key} already does “${owner.title}”. Choose another key.`);
      return;
    }
    setProblem("");
    const person = user.value;
    if (!person) return;
    const keymap = { ...person.keymap, [command.id]: [key] };
    try {
      await session.update({ keymap });
      user.value = { ...person, keymap };
    } catch (error) {
      setProblem(messageOf(error));
    }
  };

  const restore = async (): Promise<void> => {
    const person = user.value;
    if (!person) return;
    await session.update({ keymap: {} }).catch((error) => setProblem(messageOf(error)));
    user.value = { ...person, keymap: {} };
  };

  return (
    <Dialog title="Keys" onClose={onClose} wide>
      <div class="help-columns">
        {categories.map((category) => (
          <section key={category}>
            <h3>{category}</h3>
            <dl class="help-list">
              {commands
                .filter((command) => command.category === category)
                .map((command) => (
                  <div key={command.id}>
                    <dt>{command.title}</dt>
                    <dd>
                      {changing === command.id ? (
                        <input
                          class="help-capture"
                          aria-label={`New key for ${command.title}`}
                          placeholder="press a key"
                          ref={(element) => element?.focus()}
                          onKeyDown={(event) => void change(command, event)}
                          onBlur={() => setChanging(null)}
                          readOnly
                        />
                      ) : (
                        <button
                          type="button"
                          class="help-key"
                          title="Change this key"
                          onClick={() => setChanging(command.id)}
                        >
                          {command.keys.map((key) => (
                            <Kbd key={key} keys={key} />
                          ))}
                          <span class="visually-hidden">Change the key for “{command.title}”</span>
                        </button>
                      )}
                    </dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
      <footer class="spread small muted">
        <span role="status">{problem || "Click a key to change it."}</span>
        {Object.keys(user.value?.keymap ?? {}).length > 0 && (
          <Button kind="quiet" onClick={() => void restore()}>
            Restore all keys
          </Button>
        )}
      </footer>
    </Dialog>
  );
}
