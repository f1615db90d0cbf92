import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { buffer } from "node:stream/consumers";
import { unpackTar } from "./unpack-tar.ts";

function container(t: TestContext): { root: string; outside: string } {
  const folder = mkdtempSync(join(tmpdir(), "unpack-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [root, outside] = [join(folder, "root"), join(folder, "outside")];
  for (const place of [root, outside, join(root, "tmp"), join(root, "etc")]) mkdirSync(place);
  return { root, outside };
}

const options = { noOverwriteDirNonDir: false, makeFifo: async (path: string) => void execFileSync("mkfifo", [path]) };

async function tarOf(...entries: [header: Parameters<ReturnType<typeof pack>["entry"]>[0], content?: string][]): Promise<Buffer> {
  const tar = pack();
  for (const [header, content] of entries) tar.entry(header, content ?? "");
  tar.finalize();
  return buffer(tar);
}

test("files, folders, links and modes come out as they went in", async (t) => {
  const { root } = container(t);
  const tar = await tarOf(
    [{ name: "data", type: "directory", mode: 0o750 }],
    [{ name: "data/file", mode: 0o4711, mtime: new Date(1_700_000_000_000) }, "content"],
    [{ name: "data/soft", type: "symlink", linkname: "/etc/passwd" }],
    [{ name: "data/hard", type: "link", linkname: "data/file" }],
    [{ name: "data/pipe", type: "fifo" }],
    [{ name: "not/mentioned/before", mode: 0o644 }, "deep"],
  );
  await unpackTar({ root, inside: "/tmp" }, Readable.from([tar]), options);
  const at = (path: string): string => join(root, "tmp", path);
  assert.equal(lstatSync(at("data")).mode & 0o7777, 0o750);
  assert.equal(lstatSync(at("data/file")).mode & 0o7777, 0o4711);
  assert.equal(lstatSync(at("data/file")).mtimeMs, 1_700_000_000_000);
  assert.equal(readlinkSync(at("data/soft")), "/etc/passwd");
  assert.equal(lstatSync(at("data/hard")).ino, lstatSync(at("data/file")).ino);
  assert.equal(lstatSync(at("data/pipe")).isFIFO(), true);
  assert.equal(readFileSync(at("not/mentioned/before"), "utf8"), "deep");
});

test("a link in the container leads to the container's own files, never to the host's", async (t) => {
  const { root, outside } = container(t);
  symlinkSync(outside, join(root, "tmp/escape"));
  symlinkSync("/etc", join(root, "tmp/config"));
  symlinkSync("../../outside", join(root, "tmp/up"));
  const tar = await tarOf([{ name: "config/made" }, "inside"], [{ name: "escape/made" }, "x"], [{ name: "up/made" }, "x"]);
  await assert.rejects(unpackTar({ root, inside: "/tmp" }, Readable.from([tar]), options));
  assert.equal(readFileSync(join(root, "etc/made"), "utf8"), "inside");
  assert.equal(existsSync(join(outside, "made")), false);
});

test("an archive's own names and links cannot climb out", async (t) => {
  const { root, outside } = container(t);
  const tar = await tarOf(
    [{ name: "../../outside/made" }, "x"],
    [{ name: "hole", type: "symlink", linkname: outside }],
    [{ name: "hole/made" }, "x"],
  );
  await assert.rejects(unpackTar({ root, inside: "/tmp" }, Readable.from([tar]), options));
  assert.equal(existsSync(join(outside, "made")), false);
});

test("folders and files replace each other only when that is allowed", async (t) => {
  const { root } = container(t);
  mkdirSync(join(root, "tmp/thing"));
  const file = await tarOf([{ name: "thing" }, "a file now"]);
  await assert.rejects(
    unpackTar({ root, inside: "/tmp" }, Readable.from([file]), { ...options, noOverwriteDirNonDir: true }),
    /cannot overwrite directory "thing" with non-directory/,
  );
  await unpackTar({ root, inside: "/tmp" }, Readable.from([file]), options);
  const folder = await tarOf([{ name: "thing", type: "directory" }]);
  await assert.rejects(
    unpackTar({ root, inside: "/tmp" }, Readable.from([folder]), { ...options, noOverwriteDirNonDir: true }),
    /cannot overwrite non-directory "thing" with directory/,
  );
});

test("compressed archives are told by their first bytes, and garbage is refused", async (t) => {
  const { root } = container(t);
  const tar = await tarOf([{ name: "file" }, "content"]);
  writeFileSync(join(root, "tar"), tar);
  for (const compressed of [
    gzipSync(tar),
    execFileSync("xz", ["-c"], { input: tar }),
    execFileSync("bzip2", ["-c"], { input: tar }),
  ]) {
    await unpackTar({ root, inside: "/tmp" }, Readable.from([compressed]), options);
    assert.equal(readFileSync(join(root, "tmp/file"), "utf8"), "content");
    rmSync(join(root, "tmp/file"));
  }
  await assert.rejects(
    unpackTar({ root, inside: "/tmp" }, Readable.from([Buffer.alloc(2048, "garbage")]), options),
    /cannot read the archive/,
  );
});
