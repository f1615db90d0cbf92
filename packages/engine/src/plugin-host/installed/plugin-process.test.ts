import assert from "node:assert/strict";
import { test } from "node:test";
import { unavailable } from "@pouchcontainer/errors";
import { LimitedProcess } from "./limited-process.ts";
import { PluginProcess } from "./plugin-process.ts";

test("a process that was killed is not told to be stuck, and one that does not answer is", async () => {
  for (const isKilled of [true, false]) {
    const said: string[] = [];
    const note = (text: string): void => void said.push(text);
    const log = { debug: note, info: note, warn: note, error: note };
    const command = { command: "sleep", args: ["100"], env: { PATH: process.env["PATH"] ?? "" } };
    let answers = true;
    const plugin = new PluginProcess({
      run: () => LimitedProcess.start({ command, memoryLimitMb: 64, log }),
      handShake: async () => {
        if (!answers) throw unavailable("nobody is there");
      },
      log,
      restarted: () => undefined,
      crashed: () => undefined,
    });
    await plugin.start();
    answers = false;
    const pid = Number(/process (\d+) serves/.exec(said.join())?.[1]);
    if (isKilled) process.kill(pid, "SIGKILL");
    await plugin.endIfStuck();
    await plugin.stop();
    assert.equal(said.includes("its process is stuck; ending it"), !isKilled, said.join());
  }
});
