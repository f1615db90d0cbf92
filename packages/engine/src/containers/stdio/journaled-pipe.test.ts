import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { JournaledPipe, type JournalCalls } from "./journaled-pipe.ts";

function makePipe(t: TestContext): { path: string; writer: number } {
  const folder = mkdtempSync(join(tmpdir(), "journal-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "stdout");
  execFileSync("mkfifo", [path]);
  const writer = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return { path, writer };
}

/** The kernel's part by hand: `readable` says that there is something; `room` false is a full disk. */
function fakeKernel(): { calls: JournalCalls; readable: () => void; paused: () => boolean; room: { left: boolean } } {
  let onReadable = (): void => undefined;
  let paused = false;
  const room = { left: true };
  const calls: JournalCalls = {
    moveToFile: (pipe, file, offset, size) => {
      if (!room.left) return undefined;
      const buffer = Buffer.alloc(size);
      try {
        const read = readSync(pipe, buffer, 0, size, null);
        if (read > 0) writeSync(file, buffer, 0, read, offset);
        return read;
      } catch {
        return undefined;
      }
    },
    watchReadable: (_fd, tell) => {
      onReadable = tell;
      return { pause: () => (paused = true), resume: () => (paused = false), close: () => undefined };
    },
  };
  return { calls, readable: () => onReadable(), paused: () => paused, room };
}

function open(
  path: string,
  calls: JournalCalls,
  from: number,
  answer = true,
): { pipe: JournaledPipe; chunks: [string, number][] } {
  const chunks: [string, number][] = [];
  const onChunk = (chunk: Buffer, position: number): boolean => {
    chunks.push([chunk.toString(), position]);
    return answer;
  };
  return { pipe: new JournaledPipe(path, { calls, buffer: Buffer.alloc(64 * 1024), from, onChunk }), chunks };
}

test("one whose output nobody can take any more leaves no descriptor", (t) => {
  const { path, writer } = makePipe(t);
  t.after(() => closeSync(writer));
  writeFileSync(`${path}.journal`, "left");
  const { calls } = fakeKernel();
  const before = readdirSync("/proc/self/fd").length;
  const onChunk = (): never => {
    throw new Error("nobody takes it");
  };
  assert.throws(() => new JournaledPipe(path, { calls, buffer: Buffer.alloc(64), from: 0, onChunk }), /nobody takes it/);
  assert.equal(readdirSync("/proc/self/fd").length, before);
});

test("what was moved but not used when the daemon was killed comes first, then what is in the pipe", (t) => {
  const { path, writer } = makePipe(t);
  const kernel = fakeKernel();
  const first = open(path, kernel.calls, 0);
  writeSync(writer, "used,");
  kernel.readable();
  writeSync(writer, "moved,");
  kernel.readable();
  assert.deepEqual(first.chunks, [
    ["used,", 5],
    ["moved,", 11],
  ]);
  // Killed: never closed. Only the first chunk was noted.
  writeSync(writer, "waiting");
  const second = open(path, kernel.calls, 5);
  assert.deepEqual(second.chunks, [["moved,", 11]]);
  kernel.readable();
  assert.deepEqual(second.chunks[1], ["waiting", 18]);
  first.pipe.close();
  second.pipe.close();
  closeSync(writer);
});

test("a journal that is used up begins anew, and a position beyond it says so", (t) => {
  const { path, writer } = makePipe(t);
  const kernel = fakeKernel();
  const { pipe, chunks } = open(path, kernel.calls, 0);
  const block = Buffer.alloc(60_000, "x");
  for (let count = 0; count < 20; count++) {
    writeSync(writer, block);
    kernel.readable();
  }
  assert.equal(
    chunks.map(([text]) => text.length).reduce((sum, size) => sum + size),
    20 * 60_000,
  );
  assert.ok(statSync(`${path}.journal`).size <= 320 * 1024);
  pipe.close();
  const size = chunks.at(-1)?.[1] ?? 0;
  const again = open(path, kernel.calls, size + 1000);
  assert.equal(
    again.chunks.map(([text]) => text.length).reduce((sum, length) => sum + length),
    size,
  );
  again.pipe.close();
  closeSync(writer);
});

test("without room for a journal output is read all the same, and a full hub pauses it", (t) => {
  const { path, writer } = makePipe(t);
  const kernel = fakeKernel();
  const { pipe, chunks } = open(path, kernel.calls, 0, false);
  kernel.room.left = false;
  kernel.readable();
  assert.deepEqual(chunks, [], "an empty pipe");
  writeSync(writer, "text");
  kernel.readable();
  assert.deepEqual(chunks, [["text", 0]]);
  assert.equal(kernel.paused(), true);
  pipe.resume();
  assert.equal(kernel.paused(), false);
  pipe.close();
  closeSync(writer);
});

test("the end of the pipe ends it", async (t) => {
  const { path, writer } = makePipe(t);
  const kernel = fakeKernel();
  const { pipe, chunks } = open(path, kernel.calls, 0);
  writeSync(writer, "last");
  closeSync(writer);
  pipe.release();
  kernel.readable();
  kernel.readable();
  await pipe.ended;
  assert.deepEqual(chunks, [["last", 4]]);
});
