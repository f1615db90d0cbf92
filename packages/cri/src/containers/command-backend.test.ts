import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough, type Readable, type Writable } from "node:stream";
import { test } from "node:test";
import { text } from "node:stream/consumers";
import type { CommandSession, TerminalSize } from "../streaming/backend.ts";
import { commandBackend, type CommandBackendDeps } from "./command-backend.ts";

/** A process that a test speaks for. */
class FakeProcess {
  readonly input = new PassThrough();
  readonly said = new PassThrough({ objectMode: true });
  readonly exited = Promise.withResolvers<number>();
  readonly sizes: TerminalSize[] = [];
  readonly asked: unknown[] = [];
  closed = false;
  readonly tty: boolean;

  constructor({ tty = false } = {}) {
    this.tty = tty;
  }

  say(stream: "stdout" | "stderr", words: string): void {
    this.said.write({ stream, data: Buffer.from(words) });
  }

  end(code: number): void {
    this.exited.resolve(code);
    this.said.end();
  }

  get deps(): CommandBackendDeps {
    const session = {
      tty: this.tty,
      output: this.said as AsyncIterable<{ stream: "stdout" | "stderr"; data: Uint8Array }>,
      input: this.input,
      close: () => {
        this.closed = true;
        this.said.end();
      },
    };
    const resize = async (_id: string, size: TerminalSize): Promise<void> => void this.sizes.push(size);
    return {
      exec: {
        create: async (id, config, options) => (this.asked.push([id, config, options]), { Id: "e1" }),
        start: async () => session,
        exited: () => this.exited.promise,
        resize,
      },
      containers: { attach: async (id, request) => (this.asked.push([id, request]), session), resize },
    };
  }
}

function client(more: { resize?: AsyncIterable<TerminalSize>; highWaterMark?: number } = {}) {
  const gone = new AbortController();
  const codes: number[] = [];
  const stdin = new PassThrough();
  const stdout = new PassThrough({ highWaterMark: more.highWaterMark ?? 65_536 });
  const stderr = new PassThrough();
  const session: CommandSession & { stdin: Readable; stdout: Writable; stderr: Writable } = {
    stdin,
    stdout,
    stderr,
    resize: more.resize ?? none(),
    signal: gone.signal,
    exited: (code) => codes.push(code),
  };
  return { session, gone, codes, stdin, stdout, stderr };
}

async function* none(): AsyncGenerator<TerminalSize> {
  // No terminal.
}

const wanted = { containerId: "c1", stdin: true, stdout: true, stderr: true, tty: false };

test("an exec passes on both streams, its input to the end, and the exit code", async () => {
  const process = new FakeProcess();
  const { session, codes, stdin, stdout, stderr } = client();
  const served = commandBackend(process.deps).exec({ ...wanted, command: ["cat", "-"] }, session);
  stdin.end("typed");
  assert.equal(await text(process.input), "typed");
  process.say("stdout", "out");
  process.say("stderr", "err");
  process.end(3);
  await served;
  assert.deepEqual(codes, [3]);
  assert.deepEqual([String(stdout.read()), String(stderr.read())], ["out", "err"]);
  assert.deepEqual(process.asked, [
    [
      "c1",
      { Cmd: ["cat", "-"], Tty: false, AttachStdin: true, AttachStdout: true, AttachStderr: true },
      { detachable: false, drained: false },
    ],
  ]);
});

test("a client that goes lets go of a process that says nothing, and ends its input", async () => {
  for (const kind of ["exec", "attach"] as const) {
    const process = new FakeProcess();
    const { session, gone, codes } = client();
    const backend = commandBackend(process.deps);
    const served = kind === "exec" ? backend.exec({ ...wanted, command: ["sh"] }, session) : backend.attach(wanted, session);
    await new Promise((resolve) => setImmediate(resolve));
    gone.abort();
    await served;
    assert.ok(process.closed && process.input.writableEnded);
    assert.deepEqual(codes, []);
  }
});

test("a client that has gone before gets no process", async () => {
  const process = new FakeProcess();
  const { session, gone } = client();
  gone.abort();
  await assert.rejects(commandBackend(process.deps).attach(wanted, session), { kind: "cancelled" });
});

test("sizes reach the terminal, also of an attach", async () => {
  async function* sizes(): AsyncGenerator<TerminalSize> {
    yield { width: 80, height: 24 };
    yield { width: 100, height: 30 };
  }
  for (const kind of ["exec", "attach"] as const) {
    const process = new FakeProcess({ tty: true });
    const { session } = client({ resize: sizes() });
    const backend = commandBackend(process.deps);
    const tty = { ...wanted, tty: true, stderr: false };
    const served = kind === "exec" ? backend.exec({ ...tty, command: ["sh"] }, session) : backend.attach(tty, session);
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.end(0);
    await served;
    assert.deepEqual(
      process.sizes.map(({ width }) => width),
      [80, 100],
    );
  }
});

test("a slow client holds the process back, and one that goes then holds nobody", async () => {
  const process = new FakeProcess();
  const { session, gone, stdout } = client({ highWaterMark: 4 });
  const served = commandBackend(process.deps).attach(wanted, session);
  for (let count = 0; count < 40; count++) process.say("stdout", "0123456789");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(process.said.readableLength > 10, "most of it waits at the process");
  stdout.once("data", () => undefined);
  await once(stdout, "data");
  gone.abort();
  await served;
});
