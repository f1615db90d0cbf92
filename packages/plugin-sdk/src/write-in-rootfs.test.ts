import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { writeInRootfs } from "./write-in-rootfs.ts";

function folders(t: TestContext): { root: string; outside: string } {
  const base = mkdtempSync(join(tmpdir(), "rootfs-"));
  t.after(() => rmSync(base, { recursive: true }));
  for (const name of ["root", "outside"]) mkdirSync(join(base, name));
  return { root: join(base, "root"), outside: join(base, "outside") };
}

test("a file is written, and its folders are made", async (t) => {
  const { root } = folders(t);
  await writeInRootfs(root, "/etc/app/limits", "a");
  await writeInRootfs(root, "/etc/app/limits", "b");
  assert.equal(readFileSync(join(root, "etc/app/limits"), "utf8"), "b");
});

test("the rootfs may be reached through a link, as a process's root in /proc is", async (t) => {
  const { root, outside } = folders(t);
  symlinkSync(root, join(outside, "view"));
  await writeInRootfs(join(outside, "view"), "/file", "x");
  assert.equal(readFileSync(join(root, "file"), "utf8"), "x");
});

test("no link of the container leads out of it", async (t) => {
  const { root, outside } = folders(t);
  symlinkSync(outside, join(root, "etc"));
  symlinkSync(join(outside, "made"), join(root, "limits"));
  await assert.rejects(writeInRootfs(root, "/etc/limits", "x"), { kind: "invalidArgument", message: /leads through a link/ });
  await assert.rejects(writeInRootfs(root, "/limits", "x"), /leads through a link/);
  await assert.rejects(writeInRootfs(root, "/../outside/x", "x"), /is no absolute path of a file/);
  await assert.rejects(writeInRootfs(root, "relative", "x"), /is no absolute path of a file/);
  assert.deepEqual(readdirSync(outside), []);
});
