import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { rootfsReader } from "./rootfs-reader.ts";

function tree(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "pouch-rootfs-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

test("links are followed inside the root, whatever they point at", (t) => {
  const root = tree(t);
  mkdirSync(join(root, "etc"));
  mkdirSync(join(root, "usr/etc"), { recursive: true });
  writeFileSync(join(root, "usr/etc/passwd"), "inside");
  symlinkSync("/usr/etc/passwd", join(root, "etc/passwd"));
  symlinkSync("../../../../../../etc/hostname", join(root, "etc/escape"));
  symlinkSync("/", join(root, "up"));
  symlinkSync("loop", join(root, "loop"));
  const reader = rootfsReader(root);
  assert.equal(reader.readFile("/etc/passwd"), "inside");
  assert.equal(reader.readFile("/etc/escape"), undefined, "the host has such a file, the container does not");
  assert.equal(reader.readFile("/up/up/usr/etc/passwd"), "inside");
  assert.equal(reader.readFile("/../../etc/passwd"), "inside");
  assert.equal(reader.readFile("/loop"), undefined);
  assert.equal(reader.readFile("/etc"), undefined);
  assert.equal(reader.resolve("/etc/passwd"), join(root, "usr/etc/passwd"));
  assert.equal(reader.readFile("/etc/passwd/x"), undefined);
});

test("stacked layers are read as overlayfs would show them", (t) => {
  const [upper, middle, lower] = [tree(t), tree(t), tree(t)];
  for (const [layer, text] of [
    [middle, "middle"],
    [lower, "lower"],
  ] as const) {
    mkdirSync(join(layer, "etc"));
    writeFileSync(join(layer, "etc/passwd"), text);
  }
  writeFileSync(join(lower, "etc/group"), "lower group");
  mkdirSync(join(lower, "dir"));
  writeFileSync(join(lower, "dir/file"), "hidden");
  writeFileSync(join(middle, "dir"), "a file in its place");
  mkdirSync(join(upper, "etc"));
  const reader = rootfsReader([upper, middle, lower]);
  assert.equal(reader.readFile("/etc/passwd"), "middle");
  assert.equal(reader.readFile("/etc/group"), "lower group");
  assert.equal(reader.readFile("/dir/file"), undefined);
});

test("a folder made anew in an upper layer hides what the lower one had in it", (t) => {
  const [upper, lower] = [tree(t), tree(t)];
  for (const layer of [upper, lower]) mkdirSync(join(layer, "etc"));
  writeFileSync(join(lower, "etc/passwd"), "old");
  assert.equal(rootfsReader([upper, lower]).readFile("/etc/passwd"), "old");
  const reader = rootfsReader([upper, lower], (path) => path === join(upper, "etc"));
  assert.equal(reader.readFile("/etc/passwd"), undefined);
  assert.equal(reader.resolve("/etc"), join(upper, "etc"));
});
