import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PidFile } from "./pid-file.ts";
import { findByArguments, identify, isAlive, signalProcess } from "./process-identity.ts";
import { terminate } from "./watched-process.ts";

function sleeper(...args: string[]) {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", ...args], { stdio: "ignore" });
  const identity = identify(child.pid ?? 0);
  assert.ok(identity !== undefined);
  return { child, identity };
}

test("a process is known by pid and start time: the same pid with another start is somebody else", () => {
  const self = identify(process.pid);
  assert.ok(self !== undefined);
  assert.equal(isAlive(self), true);
  assert.equal(isAlive({ ...self, startTime: "1" }), false);
  assert.equal(isAlive({ ...self, bootId: "an earlier boot" }), false);
  assert.equal(signalProcess({ ...self, startTime: "1" }, "SIGKILL"), false);
});

test("terminate kills a process that ignores SIGTERM once its grace is over", async () => {
  const child = spawn(process.execPath, [
    "-e",
    "process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000)",
  ]);
  await once(child.stdout, "data");
  const identity = identify(child.pid ?? 0);
  assert.ok(identity !== undefined);
  const exited = once(child, "exit");
  await terminate(identity, 50);
  assert.equal((await exited)[1], "SIGKILL");
  assert.equal(isAlive(identity), false);
});

test("a process is found by its arguments, all of them", async () => {
  const mark = `mark-${process.pid}`;
  const { child, identity } = sleeper(mark);
  const exited = once(child, "exit");
  await once(child, "spawn");
  assert.deepEqual(findByArguments(["-e", "setInterval(() => {}, 1000)", mark]), identity);
  assert.equal(findByArguments([mark]), undefined);
  child.kill("SIGKILL");
  await exited;
});

test("a pid file gives back what was written, and nothing for a damaged or missing one", () => {
  const folder = mkdtempSync(join(tmpdir(), "pid-file-"));
  try {
    const file = new PidFile(join(folder, "x.pid"));
    assert.equal(file.read(), undefined);
    file.write({ pid: 7, startTime: "123", bootId: "b" });
    assert.deepEqual(file.read(), { pid: 7, startTime: "123", bootId: "b" });
    writeFileSync(file.path, "seven\n");
    assert.equal(file.read(), undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
