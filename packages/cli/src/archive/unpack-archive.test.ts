import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { pack } from "tar-stream";
import { unpackArchive } from "./unpack-archive.ts";

test("a root that gets a name is in that folder with all that is in it, and nothing is beside it", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "pouch-unpack-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "bin"));
  const archive = pack();
  archive.entry({ name: "/", type: "directory" });
  archive.entry({ name: "/bin/", type: "directory" });
  archive.entry({ name: "/bin/sh" }, "the container's");
  archive.finalize();
  const bytes = await buffer(archive);
  await unpackArchive(Readable.from([bytes]), { folder, rename: { from: "", to: "rootfs" }, keepOwner: false });
  assert.deepEqual(readdirSync(folder).sort(), ["bin", "rootfs"]);
  assert.deepEqual(readdirSync(join(folder, "bin")), []);
  assert.equal(readFileSync(join(folder, "rootfs/bin/sh"), "utf8"), "the container's");
});
