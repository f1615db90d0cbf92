import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { closeStateFolders } from "./state-folders.ts";

test("a home that cannot be written is refused with its name and the cause", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pouch-read-only-"));
  const home = join(directory, "home");
  mkdirSync(home, { mode: 0o710 });
  execFileSync("mount", ["-t", "tmpfs", "-o", "ro,mode=710", "tmpfs", home]);
  t.after(() => {
    execFileSync("umount", [home]);
    rmSync(directory, { recursive: true });
  });

  const refused = { message: new RegExp(`^the daemon cannot write to ${home}.*: EROFS: read-only file system.*--home-dir`) };
  assert.throws(() => closeStateFolders([home], assert.fail), refused);
  assert.throws(() => closeStateFolders([join(home, "below")], assert.fail), refused);
});
