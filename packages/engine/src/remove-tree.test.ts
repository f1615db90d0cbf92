import assert from "node:assert/strict";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { removeTree } from "./remove-tree.ts";

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
