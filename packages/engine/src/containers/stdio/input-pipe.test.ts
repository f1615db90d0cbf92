import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { InputPipe } from "./input-pipe.ts";

test("what is typed waits for a shim that opens its end later than it said, and is let go of when nobody comes", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "input-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "stdin");
  execFileSync("mkfifo", [path]);

  const pipe = new InputPipe();
  const written = pipe.write(Buffer.from("word\n"));
  pipe.open(path);
  await sleep(30);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  await written;
  const buffer = Buffer.alloc(16);
  assert.equal(buffer.toString("utf8", 0, readSync(reader, buffer)), "word\n");
  await pipe.end();
  assert.equal(readSync(reader, buffer), 0, "its end comes too");
  closeSync(reader);

  const unheard = new InputPipe();
  unheard.open(path);
  const lost = unheard.write(Buffer.from("word"));
  unheard.destroy();
  await lost;
  unheard.open(join(folder, "nowhere"));
  assert.equal(unheard.closed, true);
});
