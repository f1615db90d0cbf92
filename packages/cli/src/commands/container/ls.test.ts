import assert from "node:assert/strict";
import { test } from "node:test";
import { SampleDaemon } from "../../sample-daemon.ts";

test("a command with control characters keeps to its column and leaves the terminal alone", async (t) => {
  const container = {
    Id: "c1",
    Names: ["/web"],
    Image: "i",
    ImageID: "i",
    Command: "a\tb\r\x1b[31m",
    Created: 0,
    Ports: [],
    Mounts: [],
  };
  const daemon = await SampleDaemon.start(t, (_, response) => response.end(JSON.stringify([container])));
  const { out, err } = await daemon.run(["ps", "--format", "{{.Command}}"]);
  assert.deepEqual({ out, err }, { out: `${String.raw`"a\tb\r\x1b[31m"`}\n`, err: "" });
});
