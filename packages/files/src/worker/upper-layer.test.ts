import { Libc } from "@pouchcontainer/linux";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cString } from "./paths.ts";
import { FileAttributes } from "./file-attributes.ts";
import { isOpaque, MountedOver, namesIn, upper } from "./upper-layer.ts";

test("a folder hides what is below it by the mark that root alone can set", (t) => {
  const libc = Libc.load();
  assert.ok(libc !== undefined);
  const folder = mkdtempSync(join(tmpdir(), "pouch-opaque-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = Buffer.from(folder);
  const mark = (name: string): unknown =>
    libc.call("lsetxattr", cString(path), cString(Buffer.from(name)), Buffer.from("y"), 1n, 0);
  mark("user.overlay.opaque");
  assert.equal(isOpaque(libc, path), false);
  mark("trusted.overlay.opaque");
  assert.equal(isOpaque(libc, path), true);
});

test("a folder that goes away while its layer is read has no names, and is not one of places for mounts", () => {
  const libc = Libc.load();
  assert.ok(libc !== undefined);
  const gone = Buffer.from("/gone");
  assert.deepEqual(namesIn(upper, gone), []);
  const places = new MountedOver(["/gone/hosts"], new FileAttributes(libc));
  assert.equal(places.isAllOf(gone, namesIn(upper, gone)), false);
  assert.equal(places.isAllOf(gone, [Buffer.from("hosts")]), false);
});
