import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lockExecRoot } from "./lock-exec-root.ts";

test("an exec root is one daemon's: a second one is refused and told who has it, until the first lets go", (t) => {
  const execRoot = mkdtempSync(join(tmpdir(), "pouch-exec-root-"));
  t.after(() => rmSync(execRoot, { recursive: true }));
  const first = lockExecRoot(execRoot, "/one");
  assert.throws(() => lockExecRoot(execRoot, "/two"), {
    message: `${execRoot} is in use by another daemon (process ${String(process.pid)} with --home-dir /one): stop it, or give this one an --exec-root-dir of its own`,
  });
  first.close();
  lockExecRoot(execRoot, "/two").close();
});
