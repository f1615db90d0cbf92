import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { packPackage } from "./pack-package.ts";

/** A package whose files are made in that order, in another second, with modes of another umask. */
function packageIn(root: string, name: string, files: [path: string, text: string][], time: number, mode: number): string {
  const folder = join(root, name);
  for (const [path, text] of files) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
    chmodSync(join(folder, path), path.endsWith(".sh") ? mode | 0o100 : mode);
    utimesSync(join(folder, path), time, time);
  }
  return folder;
}

test("the same content is the same tar, whoever made it when in what order; npm's and git's notes are not in it", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "pack-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const files: [string, string][] = [
    ["package.json", "{}"],
    ["bin/run.sh", "#!/bin/sh"],
    [`${"deep/".repeat(40)}file`, "deep"],
    ["node_modules/dep/package.json", "{}"],
  ];
  const one = packageIn(root, "one", files, 1000, 0o600);
  const two = packageIn(root, "two", files.toReversed(), 2000, 0o644);
  writeFileSync(join(two, "node_modules/.package-lock.json"), "{}");
  mkdirSync(join(two, ".git"));
  for (const folder of [one, two]) symlinkSync("dep", join(folder, "node_modules/alias"));
  const pack = async (folder: string, name: string) => (await packPackage(folder, join(root, name), 1e6)).digest;
  const digest = await pack(one, "one.tar");
  assert.equal(await pack(two, "two.tar"), digest);
  chmodSync(join(two, "package.json"), 0o755);
  assert.notEqual(await pack(two, "executable.tar"), digest);
});

test("a package that is too large is not packed", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "pack-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const folder = packageIn(root, "big", [["zeros", "0".repeat(3_000_000)]], 1000, 0o600);
  await assert.rejects(packPackage(folder, join(root, "big.tar"), 1_000_000), {
    message: "the plugin's package has more than 1000000 bytes, which is the most that is pushed",
  });
});
