import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { SampleDaemon } from "./sample-daemon.ts";

test("a path of which nothing comes is told with what was to be done with it, in words", async (t) => {
  const daemon = await SampleDaemon.start(t, (_request, response) => response.end('{"plugins":[]}'));
  const none = join(daemon.folder, "none");
  const file = join(none, "x.json");
  const folder = join(daemon.folder, "there");
  mkdirSync(folder);
  const below = join(folder, "file", "plugin");
  writeFileSync(join(folder, "file"), "");
  for (const [argv, words] of [
    [["apply", "-f", file], `cannot read ${file}: no such file or folder`],
    [["apply", "-f", folder], `cannot read ${folder}: it is a folder`],
    [["export", "-o", file], `cannot write ${file}: no such file or folder`],
    [["dry-run", "container.preCreate", file], `cannot read ${file}: no such file or folder`],
    [["init", folder], `cannot make the folder ${folder}: something is there already`],
    [["init", below], `cannot make the folder ${dirname(below)}: something is there already`],
  ] as const) {
    const { status, err } = await daemon.run(["plugin", ...argv]);
    assert.deepEqual([status, err], [1, `${words}\n`]);
  }
});

test("a set comes from standard input, too", async (t) => {
  let sent = "";
  const daemon = await SampleDaemon.start(t, (request, response) => {
    request.on("data", (chunk: Buffer) => (sent += String(chunk)));
    request.on("end", () => response.end('{"changed":[]}'));
  });
  const set = '{"plugins":[{"name":"tool","source":"./tool"}]}';
  const { status, err } = await daemon.run(["plugin", "apply", "-f", "-"], { stdin: set });
  assert.deepEqual([status, err], [0, ""]);
  assert.equal(JSON.parse(sent).plugins[0].source, join(process.cwd(), "tool"));
  const bad = await daemon.run(["plugin", "apply", "-f", "-"], { stdin: "{" });
  assert.match(bad.err, /standard input.* is not valid JSON/);
});
