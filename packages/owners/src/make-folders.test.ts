import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { makeFolders, makeFoldersSync } from "./make-folders.ts";

const forms = {
  "by and by": makeFolders,
  "at once": async (path: string | Buffer, mode?: number) => makeFoldersSync(path, mode),
};

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "pouch-folders-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

for (const [how, make] of Object.entries(forms)) {
  test(`folders made ${how}: the topmost is told, all have the mode, and what is there stays`, async (t) => {
    const top = scratch(t);
    assert.equal(await make(join(top, "a/b//c/"), 0o700), join(top, "a"));
    assert.equal(statSync(join(top, "a/b/c")).mode & 0o777, 0o700);
    assert.equal(await make(join(top, "a/b/c"), 0o755), undefined);
    assert.equal(statSync(join(top, "a/b/c")).mode & 0o777, 0o700);
    assert.equal(await make(`${top}/a/b/d/../e`), join(top, "a/b/d"));
    assert.equal(statSync(join(top, "a/b/e")).isDirectory(), true);
    const odd = Buffer.from([...Buffer.from(join(top, "odd/")), 0xff, 0xfe, 0x0a]);
    assert.deepEqual(await make(odd), Buffer.from(join(top, "odd")));
    assert.equal(statSync(odd).isDirectory(), true);
    assert.equal(await make("/"), undefined);
    symlinkSync("a", join(top, "link"));
    assert.equal(await make(join(top, "link/f")), join(top, "link/f"));
  });

  test(`folders made ${how}: where the kernel has no such folder, or a file is in the way, they are refused`, async (t) => {
    const top = scratch(t);
    await assert.rejects(make("/proc/nosuch"), { code: "ENOENT" });
    await assert.rejects(make("/proc/nosuch/in/it"), { code: "ENOENT", path: "/proc/nosuch" });
    writeFileSync(join(top, "file"), "");
    await assert.rejects(make(join(top, "file")), { code: "EEXIST" });
    await assert.rejects(make(join(top, "file/x")), { code: "ENOTDIR" });
    symlinkSync("nothing", join(top, "dangling"));
    await assert.rejects(make(join(top, "dangling/x")), { code: "EEXIST" });
    await assert.rejects(make(""), { code: "ENOENT" });
  });
}
