/** The net below the daemon, and the harness that lets no test pass under which something fell into it. */
import assert from "node:assert/strict";
import { appendFileSync, chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DaemonHealth } from "./harness/daemon-health.ts";
import { Daemon, eventually, projectRoot } from "./harness/daemon.ts";

/** What a defect anywhere in the daemon would do, at SIGUSR2. */
const planted = `
process.on("SIGUSR2", () => {
  setTimeout(() => { throw new Error("planted exception"); });
  setTimeout(() => void Promise.reject(new Error("planted rejection")));
  setTimeout(() => process.emit("error", new Error("planted event")));
});
`;

function temporaryFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "pouch-net-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test("what nobody catches is logged with its stack and counted, and the daemon serves on", async () => {
  using folder = temporaryFolder();
  const [plant, executable] = [join(folder.path, "plant.mjs"), join(folder.path, "pouchd")];
  writeFileSync(plant, planted);
  const node = `${process.execPath} --experimental-ffi --disable-warning=ExperimentalWarning --import ${plant}`;
  writeFileSync(executable, `#!/bin/sh\nexec ${node} ${join(projectRoot, "packages/pouchd/src/main.ts")} "$@"\n`);
  chmodSync(executable, 0o755);
  await using daemon = await Daemon.start({ executable, image: false });
  assert.equal(await daemon.uncaughtErrors(), 0);
  daemon.expectsErrors(/an error was caught by nobody/);
  process.kill(daemon.pid, "SIGUSR2");
  await eventually("all three are counted", async () => (await daemon.uncaughtErrors()) === 3);
  assert.match(daemon.log, /"level":"error".*"origin":"uncaughtException".*Error: planted exception\\n +at .*plant.mjs/);
  assert.match(daemon.log, /"level":"error".*"origin":"unhandledRejection".*Error: planted rejection/);
  assert.equal((await daemon.api("GET", "/_ping")).status, 200);
  assert.equal(await daemon.stop(), 0, "an error that was survived does not change how the daemon ends");
});

test("the harness finds lines of level error, warnings of Node's own and a daemon that ended, unless they were announced", () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "pouchd.log");
  writeFileSync(log, "");
  const health = new DaemonHealth(log);
  const add = (...lines: string[]): void => appendFileSync(log, lines.map((line) => `${line}\n`).join(""));
  const [info, error] = ['{"level":"info","msg":"well"}', '{"level":"error","msg":"the disk is full"}'];
  add(info);
  assert.equal(health.check(), undefined);
  add(info, error);
  assert.match(health.check()?.message ?? "", /the disk is full/);
  assert.equal(health.check(), undefined, "each line is found once");
  health.expectsErrors(/disk is full/);
  add(error);
  assert.equal(health.check(), undefined);
  add(error, "(node:7) MaxListenersExceededWarning: Possible EventEmitter memory leak detected");
  assert.match(health.check()?.message ?? "", /disk is full.*\n.*MaxListeners/, "what was announced held for one test");
  health.died("SIGSEGV");
  assert.match(health.finish()?.message ?? "", /ended by itself \(SIGSEGV\)/);
});
