import { loadPlugin } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";

test("it logs a line at start and one at stop", async () => {
  const plugin = await loadPlugin(import.meta.dirname);
  const request = { supervisor: plugin.supervisor, stateDirectory: "/nowhere" };
  await plugin.call("daemon.preStartHook", request);
  await plugin.call("daemon.preStopHook", request);
  assert.deepEqual(plugin.log, ["pre-start hook in daemon is called", "pre-stop hook in daemon is called"]);
});
