import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startProgram, type StartOptions } from "./start-program.ts";

/** State, parent, group and session of a process. */
function processFacts(pid: number | undefined): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ", 4);
}

test("a program has a session of its own, which no signal to the daemon's group reaches", async () => {
  const program = startProgram("cat", []);
  await program.started;
  assert.deepEqual(processFacts(program.pid).slice(2), [String(program.pid), String(program.pid)]);
  program.stdin.end();
  assert.deepEqual(await program.closed, { status: 0, signal: null });
});

test("a program that a stop needs goes on after SIGTERM and SIGINT, and ends with its input", async () => {
  const program = startProgram("cat", [], { neededForStop: true });
  const heard = (): Promise<string> => new Promise((resolve) => program.stdout.once("data", (chunk) => resolve(String(chunk))));
  program.stdin.write("before\n");
  // When it answers it has taken the shell's place.
  assert.equal(await heard(), "before\n");
  program.kill("SIGTERM");
  program.kill("SIGINT");
  program.stdin.write("after\n");
  assert.equal(await heard(), "after\n");
  program.stdin.end();
  assert.deepEqual(await program.closed, { status: 0, signal: null });
});

test("a missing program is told as one, needed for a stop or not", async () => {
  for (const neededForStop of [false, true]) {
    const failing = startProgram("no-such-program", [], { neededForStop, packageName: "nowhere" });
    await assert.rejects(failing.started, {
      kind: "unavailable",
      message: 'the program "no-such-program" is not installed (package nowhere)',
    });
  }
});

test("what is missing is told by its name: the program at a path, the folder it runs in, or what runs it", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "pouch-start-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const script = join(folder, "script");
  writeFileSync(script, "#!/no/such/interpreter\n", { mode: 0o755 });
  const told = (message: string, program: string, options?: StartOptions): Promise<void> =>
    assert.rejects(startProgram(program, [], options).started, { kind: "unavailable", message });
  await told(`the program ${folder}/none is not there (package some)`, join(folder, "none"), { packageName: "some" });
  await told(`cannot start cat: the folder it runs in, ${folder}/none, is not there`, "cat", { cwd: join(folder, "none") });
  await told(`cannot start ${script}: the interpreter or loader that it names is not there`, script);
});
