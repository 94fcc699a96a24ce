import { describe, expect, it, vi } from "vitest";
import { type Command, CommandRegistry, KeyClashError } from "./commands";

const press = (key: string, extra: object = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...extra,
});

const command = (id: string, keys: string[], run = vi.fn(), extra: Partial<Command> = {}): Command => ({
  id,
  title: id,
  category: "Test",
  keys,
  run,
  ...extra,
});

describe("the command registry", () => {
  it("refuses two commands on one key in one scope", () => {
    const registry = new CommandRegistry();
    expect(() => registry.open("page", [command("skip", ["X"]), command("strike", ["x"])])).toThrow(KeyClashError);
  });

  it("lets an inner scope take a key from an outer one, and gives it back when it closes", () => {
    const registry = new CommandRegistry();
    const outer = vi.fn();
    const inner = vi.fn();
    registry.open("app", [command("outer", ["u"], outer)]);
    const close = registry.open("page", [command("inner", ["u"], inner)]);
    registry.press(press("u"));
    close();
    registry.press(press("u"));
    expect(inner).toHaveBeenCalledTimes(1);
    expect(outer).toHaveBeenCalledTimes(1);
  });

  it("is silenced beneath a dialog", () => {
    const registry = new CommandRegistry();
    const label = vi.fn();
    registry.open("page", [command("label", ["1"], label)]);
    registry.open("dialog", [command("close", ["Escape"])], { exclusive: true });
    expect(registry.press(press("1"))).toBe(false);
    expect(label).not.toHaveBeenCalled();
  });

  it("passes over a command whose time has not come", () => {
    const registry = new CommandRegistry();
    const run = vi.fn();
    registry.open("page", [command("undo", ["u"], run, { when: () => false })]);
    expect(registry.press(press("u"))).toBe(false);
    expect(registry.all().map(({ id }) => id)).toEqual(["undo"]);
  });

  it("labels one image when a key is held down", () => {
    const registry = new CommandRegistry();
    const run = vi.fn();
    registry.open("page", [command("first", ["1"], run)]);
    registry.press(press("1"));
    registry.press(press("1", { repeat: true }));
    expect(run).toHaveBeenCalledTimes(1);
  });

  it("gives letters that nothing else takes to the command that asks for them", () => {
    const registry = new CommandRegistry();
    const type = vi.fn();
    const skip = vi.fn();
    registry.open("page", [command("skip", ["s"], skip), command("type", ["/"], type, { letters: true })]);
    registry.press(press("s"));
    registry.press(press("w"));
    registry.press(press("w", { ctrlKey: true }));
    registry.press(press("/"));
    expect(skip).toHaveBeenCalledTimes(1);
    expect(type.mock.calls).toEqual([["w"], ["/"]]);
  });

  it("goes on while the key of a moving command is held", () => {
    const registry = new CommandRegistry();
    const move = vi.fn();
    registry.open("page", [command("move", ["l"], move, { repeats: true })]);
    registry.press(press("l"));
    registry.press(press("l", { repeat: true }));
    expect(move).toHaveBeenCalledTimes(2);
  });

  it("tells a held command when its key is let go, even if the window lost the keyboard", () => {
    const registry = new CommandRegistry();
    const release = vi.fn();
    registry.open("page", [command("zoom", ["z"], vi.fn(), { release })]);
    registry.press(press("z"));
    registry.lift({ key: "z" });
    registry.press(press("z"));
    registry.liftAll();
    expect(release).toHaveBeenCalledTimes(2);
  });

  it("leaves letters to a text field and takes Ctrl+K from it", () => {
    const registry = new CommandRegistry();
    const run = vi.fn();
    registry.open("app", [command("skip", ["x"], run), command("palette", ["Ctrl+k"], run)]);
    const target = { tagName: "INPUT", type: "text" };
    expect(registry.press(press("x", { target }))).toBe(false);
    expect(registry.press(press("k", { target, ctrlKey: true }))).toBe(true);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it("uses a person's own keys, and the given ones where those have come to clash", () => {
    const registry = new CommandRegistry();
    registry.rebind({ skip: ["s"] });
    registry.open("page", [command("skip", ["x"])]);
    expect(registry.forKey("s")?.id).toBe("skip");
    expect(registry.forKey("x")).toBeUndefined();
    registry.rebind({ skip: ["f"] });
    registry.open("other", [command("skip", ["x"]), command("flag", ["f"])]);
    expect(registry.forKey("f")?.id).toBe("flag");
    expect(registry.forKey("x")?.id).toBe("skip");
  });

  it("keeps a dialog on top when keys are changed in it", () => {
    const registry = new CommandRegistry();
    const close = vi.fn();
    registry.open("page", [command("skip", ["x"])]);
    const closeDialog = registry.open("dialog", [command("close", ["Escape"], close)], { exclusive: true });
    registry.rebind({ skip: ["s"] });
    expect(registry.forKey("s")).toBeUndefined();
    registry.press(press("Escape"));
    expect(close).toHaveBeenCalledTimes(1);
    closeDialog();
    expect(registry.forKey("s")?.id).toBe("skip");
  });
});
