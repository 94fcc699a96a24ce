import { expect, it } from "vitest";
import { LookingClock } from "./clock";

it("counts the time a person looks, not the time the tab is hidden", () => {
  let now = 0;
  const clock = new LookingClock(() => now);
  clock.start();
  now = 800;
  clock.pause();
  now = 50_000;
  clock.resume();
  now = 50_400;
  expect(clock.read()).toBe(1200);
});

it("does not take a coffee for hard thinking", () => {
  let now = 0;
  const clock = new LookingClock(() => now, 60_000);
  clock.start();
  now = 3_600_000;
  expect(clock.read()).toBe(60_000);
});
