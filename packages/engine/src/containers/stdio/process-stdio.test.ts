import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from "node:fs";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { FifoKeeper } from "./fifo-keeper.ts";
import type { OutputChunk } from "./output-chunk.ts";
import { ProcessStdio, type StdioDeps, type StdioRequest } from "./process-stdio.ts";

function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "stdio-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function makeFifo(path: string): Promise<void> {
  await promisify(execFile)("mkfifo", [path]);
}

function depsWith(keeper?: StdioDeps["keeper"]): StdioDeps {
  return { makeFifo, enlargePipe: () => undefined, buffer: Buffer.alloc(64 * 1024), ...(keeper ? { keeper } : {}) };
}

function request(folder: string, more: Partial<StdioRequest> = {}): StdioRequest {
  return { directory: join(folder, "io"), tty: false, stdin: true, stdout: true, stderr: true, ...more };
}

async function textOf(output: AsyncIterable<OutputChunk>): Promise<string> {
  let text = "";
  for await (const { stream, data } of output) text += `${stream}:${Buffer.from(data).toString()} `;
  return text;
}

/** Runs a shell on the FIFOs the way the shim does: stdin is opened without waiting for a writer. */
function run(stdio: ProcessStdio, script: string): void {
  const { stdin, stdout, stderr } = stdio.paths;
  const opening = `exec 9<>"${stdin}" <"${stdin}" 9<&- 3>&1 >"${stdout}" 2>"${stderr}"; echo open >&3; exec 3>&-`;
  const child = spawn("bash", ["-c", `${opening}; sleep 0.05; ${script}`], { stdio: ["ignore", "pipe", "ignore"] });
  child.stdout.once("data", () => stdio.opened());
}

test("everyone attached gets all output from the first byte on, and its end", async (t) => {
  const chunks: string[] = [];
  const stdio = await ProcessStdio.create(
    depsWith(),
    request(place(t), { onOutput: (stream, chunk) => chunks.push(`${stream}:${chunk.toString()}`) }),
  );
  const both = textOf(stdio.hub.attach({ stdout: true, stderr: true }));
  const errors = textOf(stdio.hub.attach({ stdout: false, stderr: true }));
  run(stdio, "echo out; sleep 0.05; echo err >&2");
  assert.equal(await both, "stdout:out\n stderr:err\n ");
  assert.equal(await errors, "stderr:err\n ");
  assert.deepEqual(chunks, ["stdout:out\n", "stderr:err\n"]);
  await stdio.dispose();
  assert.equal(existsSync(stdio.paths.stdout ?? ""), false);
});

test("stdin written before the process exists reaches it, and ending it is seen", async (t) => {
  const stdio = await ProcessStdio.create(depsWith(), request(place(t)));
  const output = textOf(stdio.hub.attach({ stdout: true, stderr: true }));
  const written = stdio.input?.write(Buffer.from("early "));
  run(stdio, "cat");
  await written;
  await stdio.input?.write(Buffer.from("late"));
  await stdio.input?.end();
  assert.match(await output, /early (stdout:)?late/);
  await stdio.dispose();
});

test("a client that does not read neither holds up the process nor loses output", async (t) => {
  let logged = 0;
  const stdio = await ProcessStdio.create(depsWith(), request(place(t), { onOutput: (_, chunk) => (logged += chunk.length) }));
  const tap = stdio.hub.attach({ stdout: true, stderr: true });
  run(stdio, "head -c 8000000 /dev/zero");
  await stdio.ended;
  assert.equal(logged, 8_000_000);
  let received = 0;
  for await (const { data } of tap) received += data.length;
  assert.equal(received, 8_000_000);
  await stdio.dispose();
});

test("a second pipe that cannot be opened, or held, leaves no descriptor of the first", async (t) => {
  const folder = place(t);
  const opened = (): string[] =>
    readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
      } catch {
        return false;
      }
    });
  const onlyFirst = async (path: string): Promise<void> => (path.endsWith("stderr") ? undefined : makeFifo(path));
  await assert.rejects(ProcessStdio.create({ ...depsWith(), makeFifo: onlyFirst }, request(folder)), { code: "ENOENT" });
  const unheld = { hold: () => Promise.reject(new Error("no keeper")), release: () => Promise.resolve() };
  await assert.rejects(ProcessStdio.create(depsWith(unheld), request(folder)), /no keeper/);
  const stdio = await ProcessStdio.create(depsWith(), request(folder));
  stdio.suspend();
  await stdio.ended;
  await assert.rejects(ProcessStdio.reopen(depsWith(unheld), request(folder)), /no keeper/);
  const noPipe = (): void => {
    throw new Error("cannot enlarge it");
  };
  await assert.rejects(ProcessStdio.reopen({ ...depsWith(), enlargePipe: noPipe }, request(folder)), /cannot enlarge it/);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(opened(), []);
});

test("a process that was never created leaves nothing", async (t) => {
  const stdio = await ProcessStdio.create(depsWith(), request(place(t)));
  const output = textOf(stdio.hub.attach({ stdout: true, stderr: true }));
  await stdio.dispose();
  assert.equal(await output, "");
  await stdio.input?.write(Buffer.from("to nobody"));
});

test("output of a process that ends while no daemon lives is kept, once", async (t) => {
  const folder = place(t);
  const failures: unknown[] = [];
  const newKeeper = (): FifoKeeper =>
    new FifoKeeper({ makeFifo, directory: folder, onUnavailable: (error) => failures.push(error) });
  const first = newKeeper();
  const stdio = await ProcessStdio.create(depsWith(first), request(folder, { stdin: false }));
  const writer = openSync(stdio.paths.stdout ?? "", "w");
  const errors = openSync(stdio.paths.stderr ?? "", "w");
  writeSync(writer, "seen\n");
  stdio.opened();
  assert.deepEqual(
    (await stdio.hub.attach({ stdout: true, stderr: true })[Symbol.asyncIterator]().next()).value?.stream,
    "stdout",
  );
  // Opening takes the keeper a moment; a container has that long before it could lose anything.
  await new Promise((resolve) => setTimeout(resolve, 300));
  stdio.suspend();
  writeSync(writer, "unseen\n");
  closeSync(writer);
  closeSync(errors);

  const second = newKeeper();
  let text = "";
  const again = await ProcessStdio.reopen(
    depsWith(second),
    request(folder, { stdin: false, onOutput: (_, chunk) => (text += chunk.toString()) }),
  );
  await again.ended;
  assert.equal(text, "unseen\n");
  await again.dispose();
  first.close();
  second.close();
  assert.deepEqual(failures, []);
});

test("a keeper that died is replaced and told again", async (t) => {
  const folder = place(t);
  const keeper = new FifoKeeper({
    makeFifo,
    directory: folder,
    onUnavailable: (error) => assert.fail(String(error)),
  });
  await makeFifo(join(folder, "a"));
  await keeper.hold(join(folder, "a"));
  // Nothing is held any more, so it obeys.
  await keeper.release(join(folder, "a"));
  const other = new FifoKeeper({ makeFifo, directory: folder, onUnavailable: () => undefined });
  await other.hold(join(folder, "gone"));
  other.close();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await keeper.hold(join(folder, "a"));
  await keeper.release(join(folder, "a"));
  keeper.close();
});

test("a keeper lets go of pipes that were removed without a word, and leaves when nothing else is held", async (t) => {
  const folder = place(t);
  const keeper = new FifoKeeper({ makeFifo, directory: folder, onUnavailable: (error) => assert.fail(String(error)) });
  await makeFifo(join(folder, "a"));
  await keeper.hold(join(folder, "a"));
  const running = (): boolean =>
    readdirSync("/proc").some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`pouch-fifo-keeper\0${folder}/`);
      } catch {
        return false;
      }
    });
  assert.equal(running(), true);
  const other = new FifoKeeper({ makeFifo, directory: folder, onUnavailable: (error) => assert.fail(String(error)) });
  await other.hold(join(folder, "gone"));
  rmSync(join(folder, "a"));
  keeper.close();
  for (let look = 0; running() && look < 100; look++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(running(), false);
  // Its keeper has left: nobody is told, and nothing is wrong.
  other.close();
});
