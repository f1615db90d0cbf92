import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { writePidFile } from "./pid-file.ts";

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "pouch-pid-file-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** The pid of a process with that command line, which it keeps until the test is done. */
async function running(t: TestContext, cwd: string, argv0: string, ...args: string[]): Promise<number> {
  for (const file of args) writeFileSync(join(cwd, file), "");
  const child = spawn("tail", [...args, "-f"], { argv0, cwd, stdio: "ignore" });
  const ended = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  await once(child, "spawn");
  return child.pid ?? 0;
}

test("a file is removed by the daemon whose pid it holds, and by no other", (t) => {
  const file = join(scratch(t), "run", "pid");
  const remove = writePidFile(file);
  assert.equal(readFileSync(file, "utf8"), String(process.pid));
  writeFileSync(file, "1");
  remove();
  assert.equal(readFileSync(file, "utf8"), "1");
  const again = writePidFile(file);
  again();
  assert.ok(!existsSync(file));
  again();
});

test("a living pouchd keeps its file", async (t) => {
  const folder = scratch(t);
  const file = join(folder, "pid");
  for (const argv0 of ["pouchd", "/usr/local/bin/pouchd"]) {
    const pid = await running(t, folder, argv0, "log");
    writeFileSync(file, `${pid}\n`);
    assert.throws(() => writePidFile(file), {
      kind: "unavailable",
      message: `pouchd already runs with pid ${pid} (${file}): stop it, or give this one a --pidfile of its own`,
    });
  }
});

test("whoever has the pid of a daemon that ended keeps nobody out: another program, or a pouchd in another role", async (t) => {
  const folder = scratch(t);
  const file = join(folder, "pid");
  for (const command of [
    ["tail", "pouchd.log"],
    ["pouchd-exporter", "log"],
    ["/usr/local/bin/pouchd", "file-worker"],
    ["/usr/local/bin/pouchd", "plugin-child"],
  ]) {
    const [argv0 = "", ...args] = command;
    writeFileSync(file, String(await running(t, folder, argv0, ...args)));
    writePidFile(file)();
    assert.ok(!existsSync(file), command.join(" "));
  }
});
