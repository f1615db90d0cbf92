import { loadPlugin } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";

const directory = new URL("..", import.meta.url);

test("it starts the configured program with the daemon and stops it with the daemon", async () => {
  const plugin = await loadPlugin(directory, {
    configuration: { command: ["/usr/bin/dfget", "--proxy"], environment: { PORT: "1" } },
  });
  const request = { supervisor: plugin.supervisor, stateDirectory: "/nowhere" };
  await plugin.call("daemon.preStartHook", request);
  assert.deepEqual(plugin.assistants, [{ name: "assistant", command: "/usr/bin/dfget", args: ["--proxy"], env: { PORT: "1" } }]);
  await plugin.call("daemon.preStopHook", request);
  assert.deepEqual(plugin.log, ["assistant process 4242 is up", "assistant process is stopped"]);
});

test("a configuration that is none is refused before anything runs", async () => {
  await assert.rejects(
    loadPlugin(directory, { configuration: { command: "sleep" } }),
    /configuration of plugin "assistant-process": command must be array/,
  );
});
