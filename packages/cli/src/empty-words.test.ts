import assert from "node:assert/strict";
import { test } from "node:test";
import { SampleDaemon } from "./sample-daemon.ts";

for (const [argv, words] of [
  [["plugin", "install", ""], "the source is empty: the current folder is written ."],
  [["plugin", "reload", ""], "a name is empty"],
  [["plugin", "push", "", "registry.test/plugins/tool:1"], "argument 1 is empty"],
  [["plugin", "push", "tool", ""], "argument 2 is empty"],
  [["plugin", "replay", "tool", "--against", ""], "the source is empty: the current folder is written ."],
  [["plugin", "dry-run", "container.preCreate", ""], "argument 2 is empty"],
  [["plugin", "init", ""], "argument 1 is empty"],
  [["plugin", "disable", ""], "argument 1 is empty"],
  [["inspect", ""], "a name is empty"],
] as const)
  test(`"${argv.join('" "')}" names nothing, and nothing is asked of the daemon`, async (t) => {
    const daemon = await SampleDaemon.start(t, (_request, response) => response.end("{}"));
    const { status, out, err } = await daemon.run(argv);
    assert.deepEqual([status, out, daemon.requests], [argv[1] === "replay" ? 2 : 1, "", []]);
    assert.ok(err.startsWith(words), err);
  });

test("an empty name fails for itself, and the others are done", async (t) => {
  const daemon = await SampleDaemon.start(t, (_request, response) => response.end("{}"));
  const { status, out, err } = await daemon.run(["rm", "a", "", "b"]);
  assert.deepEqual([status, out, err], [1, "a\nb\n", "a name is empty\n"]);
});
