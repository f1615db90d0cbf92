import assert from "node:assert/strict";
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { JsonFileLog, type JsonFileLogOptions } from "./json-file-log.ts";
import { readLog, type LogQuery } from "./log-reader.ts";

const unlimited: JsonFileLogOptions = { maxSizeBytes: -1, maxFiles: 1, compress: false };
const everything: LogQuery = { stdout: true, stderr: true, follow: false, timestamps: false, details: false };

function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "log-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "x-json.log");
}

function open(path: string, options = unlimited, boot = "a boot"): JsonFileLog {
  let now = 1_700_000_000_000_000_000n;
  return new JsonFileLog(path, options, {
    clock: { now: () => (now += 1_000_000_000n) },
    boot,
    onLost: (error) => {
      throw error;
    },
  });
}

async function read(path: string, query: Partial<LogQuery> = {}, writer?: JsonFileLog): Promise<string> {
  const pieces: string[] = [];
  for await (const { stream, data } of readLog(path, { ...everything, ...query }, new AbortController().signal, writer)) {
    pieces.push(stream === "stderr" ? `E(${data.toString()})` : data.toString());
  }
  return pieces.join("");
}

test("lines are written in Docker's json-file format", async (t) => {
  const path = place(t);
  const log = open(path, { ...unlimited, attrs: { tier: "web" } });
  log.write("stdout", Buffer.from("plain\n"));
  log.write("stderr", Buffer.from('with "quotes", \ttab and é\n'));
  await log.close();
  assert.equal(
    readFileSync(path, "utf8"),
    '{"log":"plain\\n","stream":"stdout","attrs":{"tier":"web"},"time":"2023-11-14T22:13:21Z"}\n' +
      '{"log":"with \\"quotes\\", \\ttab and é\\n","stream":"stderr","attrs":{"tier":"web"},"time":"2023-11-14T22:13:22Z"}\n',
  );
});

test("a rotation that fails writes into nobody else's file", async (t) => {
  const path = place(t);
  const lost: unknown[] = [];
  const limited = { maxSizeBytes: 100, maxFiles: 2, compress: false };
  const log = new JsonFileLog(path, limited, { clock: { now: () => 0n }, onLost: (error) => lost.push(error) });
  // Nothing can be put aside there.
  mkdirSync(join(`${path}.1`, "occupied"), { recursive: true });
  for (let line = 0; line < 3; line++) log.write("stdout", Buffer.from(`${"x".repeat(100)}\n`));
  assert.equal(lost.length, 1);
  // It gets the lowest number that is free.
  const other = openSync(join(dirname(path), "other"), "w+");
  for (let line = 0; line < 3; line++) log.write("stdout", Buffer.from("more\n"));
  assert.equal(fstatSync(other).size, 0);
  closeSync(other);
  await log.close();
});

test("a line that comes in pieces is one entry, and a last one without newline keeps none", async (t) => {
  const path = place(t);
  const log = open(path);
  for (const piece of ["ab", "cd\nef", "gh"]) log.write("stdout", Buffer.from(piece));
  await log.close();
  const logs = readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).log as string);
  assert.deepEqual(logs, ["abcd\n", "efgh"]);
});

test("a line longer than 16 KiB is cut into entries that join to the same text", async (t) => {
  const path = place(t);
  const log = open(path);
  const text = `${"x".repeat(16 * 1024 - 1)}é${"y".repeat(20_000)}\n`;
  for (let at = 0; at < text.length; at += 5000) log.write("stdout", Buffer.from(text.slice(at, at + 5000)));
  await log.close();
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  assert.equal(lines.length, 3);
  assert.equal(await read(path), text);
  assert.ok(lines.slice(0, 2).every((line) => !(JSON.parse(line).log as string).endsWith("\n")));
});

test("an unfinished line already in the log is not taken up again", async (t) => {
  const path = place(t);
  open(path).write("stdout", Buffer.from("half "));
  appendFileSync(path, '{"log":"half line\\n","stream":"stdout","time":"2023-11-14T22:13:21Z"}\n');
  const second = open(path);
  second.write("stdout", Buffer.from("next\n"));
  await second.close();
  assert.equal(await read(path), "half line\nnext\n");
});

test("what a run left unfinished is ended before the next begins", async (t) => {
  const path = place(t);
  open(path).write("stdout", Buffer.from("half "), 5);
  const next = open(path);
  next.begin();
  next.write("stdout", Buffer.from("whole\n"), 6);
  await next.close();
  const logs = readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).log as string);
  assert.deepEqual(logs, ["half ", "whole\n"]);
});

test("a checkpoint of another boot takes nothing back", async (t) => {
  const path = place(t);
  open(path).write("stdout", Buffer.from("a\n"), 2);
  appendFileSync(path, '{"log":"b\\n","stream":"stdout","time":"2023-11-14T22:13:21Z"}\n');
  const log = open(path, unlimited, "another boot");
  assert.equal(log.journalPosition("stdout"), 0);
  await log.close();
  assert.equal(await read(path), "a\nb\n");
});

test("a chunk that comes again after a kill is whole and once, at whatever rotation the kill came", async (t) => {
  const options = { maxSizeBytes: 300, maxFiles: 50, compress: false };
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index}\n`).join("");
  const chunk = Buffer.from(lines);
  for (let killedAt = 1; killedAt <= 5; killedAt++) {
    const path = place(t);
    const killed = Symbol("killed");
    let rotations = 0;
    const first = new JsonFileLog(path, options, {
      clock: { now: () => 1_700_000_000_000_000_000n },
      boot: "a boot",
      onLost: (error) => {
        throw error;
      },
    });
    first.write("stderr", Buffer.from("begun "), 6);
    const { renameSync } = fs;
    t.mock.method(fs, "renameSync", (from: string, to: string) => {
      renameSync(from, to);
      if (from === path && ++rotations === killedAt) throw killed;
    });
    syncBuiltinESMExports();
    assert.throws(
      () => first.write("stdout", chunk, chunk.length),
      (error) => error === killed,
    );
    t.mock.restoreAll();
    syncBuiltinESMExports();
    const second = open(path, options);
    assert.equal(second.journalPosition("stdout"), 0);
    second.write("stdout", chunk, chunk.length);
    second.write("stderr", Buffer.from("and ended\n"), 16);
    await second.close();
    assert.equal(await read(path), `${lines}E(begun and ended\n)`, `killed at rotation ${killedAt}`);
  }
});

test("a log that cannot be taken up leaves no descriptor", (t) => {
  const path = place(t);
  const left = open(path);
  left.write("stdout", Buffer.from("a\n"), 2);
  appendFileSync(path, '{"log":"b\\n","stream":"stdout","time":"2023-11-14T22:13:21Z"}\n');
  const before = readdirSync("/proc/self/fd").length;
  for (const call of ["ftruncateSync", "fstatSync"] as const) {
    t.mock.method(fs, call, () => {
      throw new Error("EIO: i/o error");
    });
    syncBuiltinESMExports();
    assert.throws(() => open(path), /EIO/);
    t.mock.restoreAll();
    syncBuiltinESMExports();
  }
  assert.equal(readdirSync("/proc/self/fd").length, before);
});

test("a torn entry at the end of the file is cut off when the log is opened", async (t) => {
  const path = place(t);
  writeFileSync(path, '{"log":"a\\n","stream":"stdout","time":"2023-11-14T22:13:21Z"}\n{"log":"tor');
  const log = open(path);
  log.write("stdout", Buffer.from("b\n"));
  await log.close();
  assert.equal(await read(path), "a\nb\n");
});

test("full files are put aside and only the newest are kept", async (t) => {
  const path = place(t);
  const log = open(path, { maxSizeBytes: 300, maxFiles: 3, compress: false });
  for (let index = 0; index < 40; index++) log.write("stdout", Buffer.from(`line ${index}\n`));
  await log.close();
  assert.equal(existsSync(`${path}.2`), true);
  assert.equal(existsSync(`${path}.3`), false);
  assert.match(await read(path), /line 38\nline 39\n$/);
  assert.equal(await read(path, { tail: 6 }), [34, 35, 36, 37, 38, 39].map((n) => `line ${n}\n`).join(""));
});

/** A log of four files, the last of them full, and what is in it. */
function fullFiles(path: string): { log: JsonFileLog; write: (line: number) => void; lines: (...numbers: number[]) => string } {
  const line = (n: number): string => `line ${n}\n`;
  const options = { maxSizeBytes: 150, maxFiles: 4, compress: false };
  const log = new JsonFileLog(path, options, { clock: { now: () => 1_700_000_000_000_000_000n }, onLost: () => undefined });
  const write = (n: number): void => log.write("stdout", Buffer.from(line(n)));
  for (let n = 0; n < 12; n++) write(n);
  return { log, write, lines: (...numbers) => numbers.map(line).join("") };
}

/** Writes five lines, which are lost, while the call of the file system is refused, and one more after that. */
async function throughRefusals(t: TestContext, { log, write }: ReturnType<typeof fullFiles>): Promise<void> {
  syncBuiltinESMExports();
  for (let n = 0; n < 5; n++) write(100 + n);
  t.mock.restoreAll();
  syncBuiltinESMExports();
  write(12);
  await log.close();
}

test("a file that could not be opened anew costs no more old files than one", async (t) => {
  const path = place(t);
  const full = fullFiles(path);
  assert.equal(await read(path), full.lines(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  const { openSync: open } = fs;
  t.mock.method(fs, "openSync", (...args: Parameters<typeof open>) => {
    if (args[0] === path) throw Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" });
    return open(...args);
  });
  await throughRefusals(t, full);
  assert.equal(await read(path), full.lines(3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
});

test("nor does a file that could not be put aside", async (t) => {
  const path = place(t);
  const full = fullFiles(path);
  const { renameSync: rename } = fs;
  t.mock.method(fs, "renameSync", (from: string, to: string) => {
    if (from === path) throw Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
    rename(from, to);
  });
  await throughRefusals(t, full);
  assert.equal(await read(path), full.lines(3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
});

test("compressed files are read like the others", async (t) => {
  const path = place(t);
  const log = open(path, { maxSizeBytes: 400, maxFiles: 4, compress: true });
  for (let index = 0; index < 20; index++) log.write("stdout", Buffer.from(`line ${index}\n`));
  await log.close();
  assert.equal(existsSync(`${path}.1.gz`), true);
  assert.equal(existsSync(`${path}.1`), false);
  assert.match(await read(path), /line 16\nline 17\nline 18\nline 19\n$/);
});

test("tail, streams, timestamps, details, since and until choose and dress the lines", async (t) => {
  const path = place(t);
  const log = open(path, { ...unlimited, attrs: { b: "2", a: "1" } });
  for (let index = 0; index < 5; index++) log.write(index % 2 ? "stderr" : "stdout", Buffer.from(`${index}\n`));
  await log.close();
  assert.equal(await read(path, { tail: 2 }), "E(3\n)4\n");
  assert.equal(await read(path, { tail: 0 }), "");
  assert.equal(await read(path, { tail: 100 }), "0\nE(1\n)2\nE(3\n)4\n");
  assert.equal(await read(path, { stderr: false }), "0\n2\n4\n");
  assert.equal(await read(path, { since: atSecond(1_700_000_003), until: atSecond(1_700_000_004) }), "2\nE(3\n)");
  assert.equal(await read(path, { tail: 1, timestamps: true, details: true }), "2023-11-14T22:13:25.000000000Z a=1,b=2 4\n");
});

test("a big log is searched, not read, for its tail and for a time", async (t) => {
  const path = place(t);
  const entry = (n: number): string =>
    `{"log":"${n}\\n","stream":"stdout","time":"${new Date(1_700_000_000_000 + n * 1000).toISOString()}"}\n`;
  let text = "";
  for (let n = 0; n < 50_000; n++) text += entry(n);
  writeFileSync(path, text);
  assert.equal(await read(path, { tail: 3 }), "49997\n49998\n49999\n");
  assert.equal(await read(path, { since: atSecond(1_700_000_000 + 49_998) }), "49998\n49999\n");
  assert.equal(
    await read(path, { since: atSecond(1_700_000_000 + 25_000), until: atSecond(1_700_000_000 + 25_001) }),
    "25000\n25001\n",
  );
  assert.equal((await read(path, { tail: 20_000 })).split("\n").length, 20_001);
});

test("a follower gets what is written later, across rotations, and ends with the log", async (t) => {
  const path = place(t);
  const log = open(path, { maxSizeBytes: 500, maxFiles: 4, compress: false });
  log.write("stdout", Buffer.from("before\n"));
  const following = read(path, { follow: true }, log);
  for (let index = 0; index < 200; index++) {
    log.write("stdout", Buffer.from(`line ${index}\n`));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await log.close();
  assert.equal(await following, `before\n${Array.from({ length: 200 }, (_, n) => `line ${n}\n`).join("")}`);
});

test("a log whose file was deleted is rotated like any other", async (t) => {
  const path = place(t);
  const log = open(path, { maxSizeBytes: 200, maxFiles: 2, compress: false });
  for (let i = 0; i < 3; i++) log.write("stdout", Buffer.from(`line ${i}\n`));
  rmSync(path);
  for (let i = 3; i < 9; i++) log.write("stdout", Buffer.from(`line ${i}\n`));
  await log.close();
  assert.match(await read(path), /line 8\n$/);
});

function atSecond(seconds: number): bigint {
  return BigInt(seconds) * 1_000_000_000n;
}

test("who follows until a time more days ahead than a timer counts is not woken before there is something", async (t) => {
  const path = place(t);
  const log = open(path);
  log.write("stdout", Buffer.from("now\n"));
  let looks = 0;
  const writer = {
    closed: false,
    rotations: 0,
    changed: () => {
      looks++;
      return log.changed();
    },
  };
  const until = (BigInt(Date.now()) + 30n * 24n * 3_600_000n) * 1_000_000n;
  const gone = new AbortController();
  const following = Array.fromAsync(readLog(path, { ...everything, follow: true, until }, gone.signal, writer));
  await sleep(50);
  gone.abort();
  assert.equal((await following).length, 1);
  assert.ok(looks <= 2, `looked ${looks} times`);
  await log.close();
});
