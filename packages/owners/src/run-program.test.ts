import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { programOutcome, runProgram } from "./run-program.ts";
import { startProgram } from "./start-program.ts";

const sh = (script: string): [string, string[]] => ["sh", ["-c", script]];

test("a program runs to its end: what it printed comes back, what it was given is read", async () => {
  const { stdout, stderr } = await runProgram(...sh("cat; echo said >&2; echo $WORD"), { input: "in ", env: { WORD: "out" } });
  assert.deepEqual([stdout, stderr], ["in out\n", "said\n"]);
});

test("an end other than status 0 is an error with the program's last words", async () => {
  await assert.rejects(runProgram(...sh("echo no such thing >&2; exit 3")), {
    kind: "internal",
    message: "sh failed: no such thing",
    details: { program: "sh", status: 3, signal: null, stderr: "no such thing\n" },
  });
  await assert.rejects(runProgram(...sh("exit 4")), { message: "sh failed: exit status 4" });
  await assert.rejects(runProgram(...sh("kill -9 $$")), { message: "sh failed: killed by SIGKILL" });
  assert.equal((await programOutcome(...sh("exit 4"))).status, 4);
});

test("a program that is missing, or cannot be started, is an error that says so", async () => {
  await assert.rejects(runProgram("/nonexistent/mount", [], { packageName: "mount" }), {
    kind: "unavailable",
    message: "the program /nonexistent/mount is not there (package mount)",
  });
  await assert.rejects(runProgram("/etc", []), { message: /cannot start \/etc: .*EACCES/ });
  const tooLong = "x".repeat(3 << 20);
  await assert.rejects(runProgram("true", [tooLong]), { message: /cannot start true: .*E2BIG/ });
  await assert.rejects(runProgram("true", ["a\0b"]), { message: /cannot start true/ });
});

test("a program that does not read its input to the end is judged by its exit status alone", async () => {
  const input = "x".repeat(4 << 20);
  assert.equal((await runProgram(...sh("head -c 3"), { input })).stdout, "xxx");
  await assert.rejects(runProgram("/nonexistent", [], { input }), { kind: "unavailable" });
});

test("a program that takes too long, is cancelled or prints too much is killed, though its children hold the pipes", async () => {
  await assert.rejects(runProgram(...sh("sleep 100 & sleep 100"), { timeoutMs: 50 }), {
    kind: "deadlineExceeded",
    message: "sh did not end within 0.05 s and was killed",
  });
  const controller = new AbortController();
  const cancelled = runProgram(...sh("sleep 100"), { signal: controller.signal });
  controller.abort();
  await assert.rejects(cancelled, { kind: "cancelled" });
  await assert.rejects(runProgram(...sh("sleep 100"), { signal: AbortSignal.abort() }), { kind: "cancelled" });
  await assert.rejects(runProgram("yes", [], { maxOutputBytes: 1000 }), {
    kind: "resourceExhausted",
    message: "yes printed more than 1000 bytes",
  });
});

test("a program's end counts, whoever it left holds its pipes", async () => {
  const { status, stdout } = await runProgram(...sh("sleep 100 & echo $!"));
  assert.equal(status, 0);
  // It is there yet.
  process.kill(Number(stdout), "SIGKILL");
});

test("what a program has printed before its end is read to the end, however slowly", async () => {
  const program = startProgram(...sh("head -c 100000 /dev/zero"));
  await program.started;
  let size = 0;
  let chunks = 0;
  for await (const chunk of program.stdout as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (++chunks < 3) await sleep(1200);
  }
  assert.equal(size, 100_000);
});

test("with a program that is broken off its children go", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "pouch-run-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const out = join(folder, "pid");
  await assert.rejects(runProgram(...sh(`sleep 616 & echo $! >${out}; wait`), { timeoutMs: 2000 }), { kind: "deadlineExceeded" });
  await sleep(50);
  const pid = readFileSync(out, "utf8").trim();
  assert.ok(!existsSync(`/proc/${pid}`) || /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8")), `${pid} is left`);
});

test("nobody has to wait for a program: its failure is not lost and hurts nobody", async () => {
  const missing = startProgram("/nonexistent", []);
  missing.stdin.write("for nobody");
  missing.stdout.resume();
  await assert.rejects(missing.exited, { kind: "unavailable" });
  const refused = startProgram("true", ["\0"]);
  assert.equal(refused.pid, undefined);
  refused.stdin.end("for nobody");
  refused.stdout.resume();
  refused.kill();
  await sleep(20);
});
