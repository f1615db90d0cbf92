import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { closeStateFolders, makeStateFolders } from "./state-folders.ts";

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
  assert.throws(() => makeStateFolders([home]), refused);
  assert.throws(() => makeStateFolders([join(home, "below")]), refused);
});

test("folders are closed with what is the daemon's in them, and what is not stays as it is", (t) => {
  const home = mkdtempSync(join(tmpdir(), "pouch-open-"));
  t.after(() => rmSync(home, { recursive: true }));
  chmodSync(home, 0o755);
  for (const name of ["volumes", "somebodys"]) mkdirSync(join(home, name));
  for (const name of ["pouch.db-wal", "containerd.log.1", "notes"]) writeFileSync(join(home, name), "");
  const said: string[] = [];
  closeStateFolders([home], (message) => said.push(message));
  const modes = Object.fromEntries(
    readdirSync(home).map((name) => [name, (statSync(join(home, name)).mode & 0o777).toString(8)]),
  );
  assert.deepEqual(modes, { "pouch.db-wal": "600", "containerd.log.1": "600", volumes: "710", notes: "644", somebodys: "755" });
  assert.equal(said.length, 4);
});
