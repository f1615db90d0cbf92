import { Libc } from "@pouchcontainer/linux";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cString } from "./paths.ts";
import { isOpaque } from "./upper-layer.ts";

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
