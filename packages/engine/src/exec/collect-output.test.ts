import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutputChunk } from "../containers/stdio/output-chunk.ts";
import { collectOutput, type RunSyncOptions } from "./collect-output.ts";

/** A process that says this and then ends, or says it and never ends unless it is killed. */
function process(chunks: [OutputChunk["stream"], string][], exitCode?: number) {
  const ended = Promise.withResolvers<number>();
  const closed = Promise.withResolvers<void>();
  const calls: string[] = [];
  if (exitCode !== undefined) ended.resolve(exitCode);
  async function* output(): AsyncGenerator<OutputChunk, void, undefined> {
    const lent = Buffer.alloc(64);
    for (const [stream, text] of chunks) yield { stream, data: lent.subarray(0, lent.write(text)) };
    await Promise.race([ended.promise, closed.promise]);
  }
  const started = {
    session: { output: output(), close: () => (calls.push("close"), closed.resolve()) },
    ended: ended.promise,
    kill: async () => {
      calls.push("kill");
      ended.resolve(137);
    },
    begunAt: performance.now(),
  };
  return { calls, collect: (options: RunSyncOptions = {}) => collectOutput(started, options) };
}

test("both streams and the exit code come back, to a limit that they share", async () => {
  const { collect, calls } = process(
    [
      ["stdout", "abc"],
      ["stderr", "x"],
      ["stdout", "defg"],
      ["stdout", "h"],
    ],
    3,
  );
  const { exitCode, stdout, stderr } = await collect({ maxOutputBytes: 5, timeoutMs: 60_000 });
  assert.deepEqual([exitCode, String(stdout), String(stderr)], [3, "abcd", "x"]);
  assert.deepEqual(calls, []);
});

test("what takes too long is killed, and said to have", async () => {
  const { collect, calls } = process([["stdout", "so far"]]);
  await assert.rejects(collect({ timeoutMs: 10 }), { kind: "deadlineExceeded", message: "timeout 0.01s exceeded" });
  assert.deepEqual(calls, ["close", "kill"]);
});

test("what nobody waits for any more is killed, also when that was so before it began", async () => {
  const gone = new AbortController();
  const { collect, calls } = process([]);
  const collected = collect({ signal: gone.signal });
  gone.abort();
  await assert.rejects(collected, { kind: "cancelled" });
  await assert.rejects(process([]).collect({ signal: gone.signal }), { kind: "cancelled" });
  assert.deepEqual(calls, ["close", "kill"]);
});
