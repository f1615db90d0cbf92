import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { unavailable } from "@pouchcontainer/errors";
import { PluginProcess } from "./plugin-process.ts";

test("a process that was killed is not told to be stuck, and one that does not answer is", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pouch-plugin-process-"));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const isKilled of [true, false]) {
    const said: string[] = [];
    const note = (text: string): void => void said.push(text);
    let answers = true;
    const plugin = new PluginProcess({
      command: { command: "sleep", args: ["100"], env: { PATH: process.env["PATH"] ?? "" } },
      socketPath: join(directory, "s"),
      handShake: async () => {
        if (!answers) throw unavailable("nobody is there");
      },
      log: { debug: note, info: note, warn: note, error: note },
      memoryLimitMb: 64,
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
