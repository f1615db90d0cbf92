import assert from "node:assert/strict";
import { test } from "node:test";
import { registerContainerPlugin, registerDaemonPlugin } from "./register.ts";
import { collectRegistrations } from "./registration.ts";

test("two hosts that load at the same time see their own plugins only", async () => {
  const load = (kind: "a" | "b") => async () => {
    await new Promise((resolve) => setImmediate(resolve));
    if (kind === "a") registerContainerPlugin({});
    else registerDaemonPlugin({});
  };
  const [a, b] = await Promise.all([collectRegistrations(load("a")), collectRegistrations(load("b"))]);
  assert.deepEqual([a.map((one) => one.kind), b.map((one) => one.kind)], [["container"], ["daemon"]]);
});

test("a registration that no host asked for is an error that says what to do", () => {
  assert.throws(() => registerContainerPlugin({}), /registerContainerPlugin was called outside a plugin host/);
});
