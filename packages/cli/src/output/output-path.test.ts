import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SampleDaemon } from "../sample-daemon.ts";

const commands: [name: string, argv: (target: string) => string[]][] = [
  ["save", (target) => ["save", "-o", target, "image"]],
  ["export", (target) => ["export", "-o", target, "web"]],
  ["cp", (target) => ["cp", "web:/file", target]],
];

for (const [name, argv] of commands) {
  test(`${name} leaves a FIFO, and a link to a device, what they are`, async (t) => {
    const daemon = await SampleDaemon.start(t, (_, response) => response.end("never asked for"));
    const [fifo, link] = [join(daemon.folder, "fifo"), join(daemon.folder, "null")];
    execFileSync("mkfifo", [fifo]);
    symlinkSync("/dev/null", link);
    for (const [place, kind] of [
      [fifo, "a FIFO"],
      [link, "a device"],
    ] as const) {
      const { status, err } = await daemon.run(argv(place));
      assert.equal(status, 1);
      assert.match(err, new RegExp(`^invalid output path: "${place}" must be a directory or a regular file: got ${kind}\n`));
    }
    assert.ok(lstatSync(fifo).isFIFO());
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.deepEqual(daemon.requests, []);
  });

  test(`${name} names the directory that is not there`, async (t) => {
    const daemon = await SampleDaemon.start(t, (_, response) => response.end("never asked for"));
    const { status, err } = await daemon.run(argv(join(daemon.folder, "none/file")));
    assert.equal(status, 1);
    assert.equal(err, `invalid output path: directory "${join(daemon.folder, "none")}" does not exist\n`);
  });
}

test("save replaces a file, and names a directory that is none", async (t) => {
  const daemon = await SampleDaemon.start(t, (_, response) => response.end("archive"));
  const [file, folder] = [join(daemon.folder, "file"), join(daemon.folder, "folder")];
  writeFileSync(file, "before");
  mkdirSync(folder);
  assert.equal((await daemon.run(["save", "-o", file, "image"])).status, 0);
  assert.equal(readFileSync(file, "utf8"), "archive");
  const refused = await daemon.run(["save", "-o", folder, "image"]);
  assert.equal(refused.err, `invalid output path: "${folder}" is a directory: name a file\n`);
  assert.deepEqual(readdirSync(daemon.folder).sort(), ["daemon.sock", "file", "folder"]);
});
