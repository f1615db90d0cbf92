import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lockExecRoot } from "./lock-exec-root.ts";

test("an exec root is one daemon's: a second one is refused and told who has it, until the first lets go", async (t) => {
  const execRoot = mkdtempSync(join(tmpdir(), "pouch-exec-root-"));
  t.after(() => rmSync(execRoot, { recursive: true }));
  const first = await lockExecRoot(execRoot, "process 1 with --home-dir /one");
  await assert.rejects(lockExecRoot(execRoot, "process 2 with --home-dir /two"), {
    message: `${execRoot} is in use by another daemon (process 1 with --home-dir /one): stop it, or give this one an --exec-root-dir of its own`,
  });
  first.close();
  (await lockExecRoot(execRoot, "process 2 with --home-dir /two")).close();
  assert.deepEqual(readdirSync(execRoot), []);
});
