import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
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
  const reader = rootfsReader([upper, lower], (path) => realpathSync(path) === join(upper, "etc"));
  assert.equal(reader.readFile("/etc/passwd"), undefined);
  assert.equal(reader.resolve("/etc"), join(upper, "etc"));
});

test("what is no regular file of a sensible size is not opened", (t) => {
  const root = tree(t);
  execFileSync("mkfifo", [join(root, "fifo")]);
  execFileSync("mknod", [join(root, "zero"), "c", "1", "5"]);
  writeFileSync(join(root, "huge"), "x");
  truncateSync(join(root, "huge"), 2 ** 40);
  mkdirSync(join(root, "folder"));
  const reader = rootfsReader(root);
  for (const name of ["fifo", "zero", "huge", "folder", "absent", "fifo/below", "x".repeat(300), "nul\0"])
    assert.equal(reader.readFile(name), undefined, name);
});

test("a link of a lower layer is not followed where an upper one has a folder", (t) => {
  const [upper, lower, host] = [tree(t), tree(t), tree(t)];
  writeFileSync(join(host, "passwd"), "of the host");
  mkdirSync(join(upper, "etc"));
  symlinkSync(host, join(lower, "etc"));
  assert.equal(rootfsReader([upper, lower]).readFile("/etc/passwd"), undefined);
});

test("a path of thousands of folders holds no more descriptors than the daemon can spare, and none afterwards", (t) => {
  const root = tree(t);
  const names = Array.from({ length: 2100 }, (_, n) => `folder-${n}`);
  for (const name of names) mkdirSync(join(root, name));
  const past = (count: number): string =>
    names
      .slice(0, count)
      .map((name) => `${name}/../`)
      .join("");
  writeFileSync(join(root, "file"), "found");
  const before = readdirSync("/proc/self/fd").length;
  const reader = rootfsReader(root);
  assert.equal(reader.readFile(`${past(1000)}file`), "found");
  assert.equal(reader.readFile(`${past(2100)}file`), undefined);
  assert.equal(readdirSync("/proc/self/fd").length, before);
});

test("what stands at a path is told without following any link", (t) => {
  const [upper, lower] = [tree(t), tree(t)];
  mkdirSync(join(lower, "etc"));
  writeFileSync(join(lower, "etc/hosts"), "");
  mkdirSync(join(upper, "etc"));
  symlinkSync("/etc", join(upper, "etc/link"));
  execFileSync("mkfifo", [join(upper, "fifo")]);
  const paths = ["/", "/etc", "/etc/hosts", "/etc/link", "/etc/link/hosts", "/fifo", "/absent"];
  assert.deepEqual(Object.fromEntries(rootfsReader([upper, lower]).kinds(paths)), {
    "/": "folder",
    "/etc": "folder",
    "/etc/hosts": "file",
    "/etc/link": "link",
    "/fifo": "special",
  });
});
