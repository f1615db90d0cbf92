import assert from "node:assert/strict";
import { lstatSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Linux } from "./index.ts";

for (const [name, linux] of [
  ["the kernel call", new Linux()],
  ["the mkfifo program", new Linux({ calls: null })],
] as const) {
  test(`${name} makes a FIFO of the owner alone, and refuses a taken name`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "linux-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "stdout");

    await linux.makeFifo(path);
    const stat = lstatSync(path);
    assert.equal(stat.isFIFO(), true);
    assert.equal(stat.mode & 0o777, 0o600);

    await assert.rejects(linux.makeFifo(path));
    await assert.rejects(linux.makeFifo(join(folder, "absent", "stdout")), /mkfifo/);
  });
}

test("the kernel is called directly when Node has ffi", () => {
  assert.equal(new Linux().direct, process.getBuiltinModule("node:ffi") !== undefined);
});

test("a folder without overlayfs' mark is not opaque, one with it is", () => {
  const marked = new Linux({
    calls: {
      mkfifo: () => 0,
      fcntl: () => 0,
      attributeSize: (path, name) => (path === "/upper/etc" && name === "trusted.overlay.opaque" ? 1 : -1),
    },
  });
  assert.deepEqual([marked.isOpaqueDirectory("/upper/etc"), marked.isOpaqueDirectory("/upper/usr")], [true, false]);
  const real = new Linux();
  if (real.direct) assert.equal(real.isOpaqueDirectory(tmpdir()), false);
});
