import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { lockExecRoot, type ExecRootOwner } from "./lock-exec-root.ts";

async function roots(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "pouch-exec-root-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ["one", "two", "exec", "other"]) mkdirSync(join(folder, name));
  const daemon = (name: string, identity = name): ExecRootOwner => {
    const home = join(folder, name);
    return { home, identity, owner: `process 1 with --home-dir ${home}` };
  };
  const run = (root: string): void => void mkdirSync(join(folder, root, "containers", "a".repeat(64)), { recursive: true });
  return { folder, execRoot: join(folder, "exec"), other: join(folder, "other"), daemon, run };
}

test("an exec root is one daemon's: a second one is refused and told who has it, until the first lets go", async (t) => {
  const { folder, execRoot, daemon } = await roots(t);
  const first = await lockExecRoot(execRoot, daemon("one"));
  await assert.rejects(lockExecRoot(execRoot, daemon("two")), {
    message: `${execRoot} is in use by another daemon (process 1 with --home-dir ${folder}/one): stop it, or give this one an --exec-root-dir of its own`,
  });
  first.close();
  (await lockExecRoot(execRoot, daemon("two"))).close();
  assert.deepEqual(readdirSync(execRoot), [".pouchd-exec-root"]);
});

test("an exec root with containers of a daemon that ended is that one's, and free when they are gone", async (t) => {
  const { execRoot, daemon, run } = await roots(t);
  (await lockExecRoot(execRoot, daemon("one"))).leaveNote();
  (await lockExecRoot(execRoot, daemon("two"))).undo();
  run("exec");
  await assert.rejects(lockExecRoot(execRoot, daemon("two")), {
    message: /is the --exec-root-dir of a daemon that does not run \(process 1 with --home-dir .*one\), whose containers may/,
  });
  // Its store was made anew, or its home moved.
  (await lockExecRoot(execRoot, daemon("one", "another"))).leaveNote();
  (await lockExecRoot(execRoot, daemon("two", "another"))).leaveNote();
  rmSync(join(execRoot, "owner"));
  (await lockExecRoot(execRoot, daemon("one"))).close();
});

test("a home whose containers run with one exec root is not started with another", async (t) => {
  const { execRoot, other, daemon, run } = await roots(t);
  (await lockExecRoot(execRoot, daemon("one"))).leaveNote();
  (await lockExecRoot(other, daemon("one"))).close();
  (await lockExecRoot(execRoot, daemon("one"))).leaveNote();
  run("exec");
  await assert.rejects(lockExecRoot(other, daemon("one")), {
    message: /may be running with the --exec-root-dir .*exec, not with .*other/,
  });
  assert.deepEqual(readdirSync(other), [".pouchd-exec-root"]);
  // As the message advises where none of them runs.
  rmSync(join(execRoot, "owner"));
  (await lockExecRoot(other, daemon("one"))).close();
  (await lockExecRoot(execRoot, daemon("one"))).close();
});
