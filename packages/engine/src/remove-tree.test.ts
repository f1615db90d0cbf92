import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { removeFlatFolder, removeTree } from "./remove-tree.ts";

test("a folder goes with all that is in it; links go, what they lead to stays, and nothing there is fine", async () => {
  const root = mkdtempSync(join(tmpdir(), "remove-tree-"));
  mkdirSync(join(root, "a/b"), { recursive: true });
  writeFileSync(join(root, "kept"), "");
  symlinkSync(root, join(root, "a/b/up"));
  await removeTree(join(root, "a"));
  assert.deepEqual([existsSync(join(root, "a")), existsSync(join(root, "kept"))], [false, true]);
  await removeTree(join(root, "a"));
  await removeTree(join(root, "a/b/c"));
  rmSync(root, { recursive: true });
});

test("a flat folder goes with its files, unless it or one of them is a mount: what that shows stays", (t) => {
  const root = mkdtempSync(join(tmpdir(), "remove-flat-"));
  const [shown, flat] = [join(root, "shown"), join(root, "flat")];
  for (const folder of [shown, flat]) mkdirSync(folder);
  for (const file of [join(shown, "kept"), join(flat, "file")]) writeFileSync(file, "");
  t.after(() => rmSync(root, { recursive: true }));

  for (const [source, place] of [
    [shown, flat],
    [join(shown, "kept"), join(flat, "file")],
  ] as const) {
    execFileSync("mount", ["--bind", source, place]);
    try {
      assert.throws(() => removeFlatFolder(flat), { code: "EBUSY" });
    } finally {
      execFileSync("umount", [place]);
    }
    assert.ok(existsSync(join(shown, "kept")));
  }
  removeFlatFolder(flat);
  removeFlatFolder(flat);
  assert.deepEqual([existsSync(flat), existsSync(join(shown, "kept"))], [false, true]);
});

/** Who removes recursively without looking for mounts, and why that is no danger. */
const allowed = new Map([
  ["remove-tree.ts", "is that look"],
  ["plugin-host/installed/installed-plugin.ts", "sockets of a plugin's own process, made by us; synchronous at its end"],
  ["store/backup-database.ts", "a folder of its own that held one copy of the database"],
]);

test("the engine removes folders through this room only", () => {
  const sources = globSync("**/*.ts", { cwd: import.meta.dirname }).filter((file) => !/\.test\.ts$|(^|\/)testing\//.test(file));
  const found = sources.filter((file) =>
    /\brm(Sync)?\([^;]*recursive: true/.test(readFileSync(join(import.meta.dirname, file), "utf8")),
  );
  assert.deepEqual(found.sort(), [...allowed.keys()].sort());
});
