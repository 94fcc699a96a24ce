import type { ComponentChildren, JSX } from "preact";
import { keyShown } from "@/core/keymap";
import { registry, registryVersion } from "./commands";
import { Icon, type IconName } from "./Icon";
import "./button.css";

interface ButtonProps extends Omit<JSX.IntrinsicElements["button"], "icon"> {
  kind?: "primary" | "plain" | "quiet" | "danger";
  icon?: IconName;
  /** Shows this command's key on the button. */
  command?: string;
  children?: ComponentChildren;
}

export function Kbd({ keys }: { keys: string }) {
  return <kbd class="kbd">{keyShown(keys)}</kbd>;
}

export function CommandKey({ command }: { command: string }) {
  registryVersion.value; // the key may be changed while the button is on screen
  const key = registry.keysOf(command)[0];
  return key === undefined ? null : <Kbd keys={key} />;
}

export function Button({ kind = "plain", icon, command, children, class: extra, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} class={`button button-${kind} ${extra ?? ""}`}>
      {icon && <Icon name={icon} />}
      {children}
      {command && <CommandKey command={command} />}
    </button>
  );
}

export function LinkButton({
  href,
  kind = "plain",
  icon,
  command,
  children,
  download,
}: {
  href: string;
  kind?: "primary" | "plain" | "quiet";
  icon?: IconName;
  command?: string;
  children: ComponentChildren;
  download?: string;
}) {
  return (
    <a href={href} class={`button button-${kind}`} {...(download === undefined ? {} : { download, target: "_self" })}>
      {icon && <Icon name={icon} />}
      {children}
      {command && <CommandKey command={command} />}
    </a>
  );
}
