import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SampleDaemon } from "../../sample-daemon.ts";

/** The bits of Go's `fs.FileMode` for a character device that all may write to. */
const device = 2 ** 26 + 2 ** 21 + 0o666;

test("a device in a container is not replaced by a file", async (t) => {
  const stat = { name: "null", size: 0, mode: device, mtime: "2026-01-31T12:00:00Z", linkTarget: "" };
  const daemon = await SampleDaemon.start(t, (_, response) => {
    response.setHeader("X-Docker-Container-Path-Stat", Buffer.from(JSON.stringify(stat)).toString("base64")).end();
  });
  const file = join(daemon.folder, "file");
  writeFileSync(file, "content");
  const { status, err } = await daemon.run(["cp", file, "web:/data/null"]);
  assert.equal(err, 'destination "web:/data/null" must be a directory or a regular file: got a device\n');
  assert.equal(status, 1);
  assert.deepEqual(daemon.requests, ["HEAD /containers/web/archive?path=%2Fdata%2Fnull"]);
});

test("what is not there, or no directory, is named as it was given", async (t) => {
  const daemon = await SampleDaemon.start(t, (_, response) => response.writeHead(404).end('{"message":"no"}'));
  const file = join(daemon.folder, "file");
  writeFileSync(file, "content");
  const said = async (source: string): Promise<string> => (await daemon.run(["cp", source, "web:/x"])).err;
  assert.equal(await said(`${file}-none`), `${file}-none: no such file or directory\n`);
  assert.match(await said(`${file}/`), /^cannot copy .*\/file\/: .*\/file is not a directory\n/);
  assert.match(await said(`${file}/more`), /^cannot copy .*\/file\/more: ENOTDIR/);
});
