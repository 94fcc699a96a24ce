import { expect, it } from "vitest";
import { UndoStack } from "./undo";

it("goes back and forth through what was done", () => {
  const stack = new UndoStack<string>();
  stack.push("a");
  stack.push("b");
  expect(stack.undo()).toBe("b");
  expect(stack.undo()).toBe("a");
  expect(stack.undo()).toBeUndefined();
  expect(stack.redo()).toBe("a");
  stack.redone("a again");
  expect(stack.undo()).toBe("a again");
});

it("forgets what was undone once something new is done", () => {
  const stack = new UndoStack<string>();
  stack.push("a");
  stack.undo();
  stack.push("b");
  expect(stack.canRedo).toBe(false);
});
