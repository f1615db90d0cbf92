import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "node:test";
import { systemMounter } from "../packages/engine/src/volumes/index.ts";

test("a tmpfs and a bind of a volume's options are really mounted and taken down", async () => {
  const directory = mkdtempSync(join(tmpdir(), "pouch-mounter-"));
  const mounter = systemMounter();
  try {
    const target = join(directory, "with space", "_data");
    mkdirSync(target, { recursive: true });
    await mounter.mount({ type: "tmpfs", device: "tmpfs", options: "size=1m" }, target);
    assert.equal(await mounter.isMounted(target), true);
    await mounter.unmount(target);
    assert.equal(await mounter.isMounted(target), false);

    const source = join(directory, "source");
    mkdirSync(source);
    writeFileSync(join(source, "file"), "x");
    await mounter.mount({ type: "none", device: source, options: "bind,ro" }, target);
    assert.ok(existsSync(join(target, "file")));
    await mounter.unmount(target);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("what is mounted is seen through links on the way to it, and nothing where no folder is", async () => {
  const directory = mkdtempSync(join(tmpdir(), "pouch-mounter-"));
  const mounter = systemMounter();
  try {
    mkdirSync(join(directory, "real/data/_data"), { recursive: true });
    symlinkSync("real", join(directory, "home"));
    const target = join(directory, "home/data/_data");
    assert.equal(await mounter.isMounted(target), false);
    assert.equal(await mounter.isMounted(join(directory, "home/none/_data")), false);
    await mounter.mount({ type: "tmpfs", device: "tmpfs", options: "size=1m" }, target);
    try {
      assert.equal(await mounter.isMounted(target), true);
    } finally {
      await mounter.unmount(target);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("a device that is not there fails with what mount says", async () => {
  const directory = mkdtempSync(join(tmpdir(), "pouch-mounter-"));
  try {
    await assert.rejects(
      systemMounter().mount({ type: "none", device: "/no/such/folder", options: "bind" }, directory),
      /failed to mount local volume: mount \/no\/such\/folder:.*: .*(does not exist|No such file)/i,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("a relative device is one below the root, wherever the daemon was started, and no device is an option of mount", async () => {
  const directory = mkdtempSync(join(tmpdir(), "pouch-mounter-"));
  const mounter = systemMounter();
  const started = process.cwd();
  const source = join(directory, "source");
  const target = join(directory, "target");
  for (const folder of [source, target]) mkdirSync(folder);
  writeFileSync(join(source, "file"), "x");
  process.chdir(directory);
  try {
    const bind = (device: string): Promise<void> => mounter.mount({ type: "none", device, options: "bind" }, target);
    await assert.rejects(bind("source"), /failed to mount local volume/);
    await assert.rejects(bind(`--source=${source}`), /failed to mount local volume/);
    await bind(relative("/", source));
    assert.ok(existsSync(join(target, "file")));
  } finally {
    process.chdir(started);
    if (await mounter.isMounted(target)) await mounter.unmount(target);
    rmSync(directory, { recursive: true, force: true });
  }
});
