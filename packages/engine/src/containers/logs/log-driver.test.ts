import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { CriLog } from "./cri-log.ts";
import type { FileLogDeps } from "./file-log.ts";
import { JsonFileLog } from "./json-file-log.ts";
import type { LogDriver } from "./log-driver.ts";
import { criFormat, jsonFileFormat, type LogFileFormat } from "./log-file-format.ts";
import { readLog, type LogQuery } from "./log-reader.ts";

/** What every log driver promises, of each of them. */
interface Subject {
  name: string;
  open(path: string, deps: FileLogDeps): LogDriver;
  format: LogFileFormat;
  checkpoint(path: string): string;
  /** What whoever rotates its files calls one put aside. */
  aside(path: string): string;
}

const subjects: Subject[] = [
  {
    name: "json-file",
    open: (path, deps) => new JsonFileLog(path, { maxSizeBytes: -1, maxFiles: 1, compress: false }, deps),
    format: jsonFileFormat,
    checkpoint: (path) => `${path}.unfinished`,
    aside: (path) => `${path}.1`,
  },
  {
    name: "CRI",
    open: (path, deps) => new CriLog(path, { checkpointPath: `${path}-checkpoint` }, deps),
    format: criFormat,
    checkpoint: (path) => `${path}-checkpoint`,
    aside: (path) => `${path}.20260101-000000`,
  },
];

const everything: LogQuery = { stdout: true, stderr: true, follow: false, timestamps: false, details: false };

function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "log-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "0.log");
}

for (const subject of subjects) {
  const open = (path: string, changes: Partial<FileLogDeps> = {}): LogDriver => {
    let now = 1_700_000_000_000_000_000n;
    return subject.open(path, {
      clock: { now: () => (now += 1_000_000_000n) },
      boot: "a boot",
      onLost: (error) => {
        throw error;
      },
      ...changes,
    });
  };
  const read = async (path: string, query: Partial<LogQuery> = {}, writer?: LogDriver): Promise<string> => {
    const pieces: string[] = [];
    const output = readLog(path, { ...everything, ...query }, new AbortController().signal, writer, subject.format);
    for await (const { stream, data } of output) {
      const text = Buffer.from(data).toString();
      pieces.push(stream === "stderr" ? `E(${text})` : text);
    }
    return pieces.join("");
  };
  const promise = (name: string, run: (t: TestContext) => Promise<void>): void => void test(`${subject.name}: ${name}`, run);

  promise("a line that comes in pieces is one entry", async (t) => {
    const path = place(t);
    const log = open(path);
    for (const piece of ["ab", "cd\nef", "gh"]) log.write("stdout", Buffer.from(piece));
    await log.close();
    assert.equal(await read(path), "abcd\nefgh");
    assert.equal(await read(path, { tail: 1 }), "efgh");
  });

  promise("long lines, empty ones and what comes between them join to the same text", async (t) => {
    const path = place(t);
    const log = open(path);
    const long = "x".repeat(40_000);
    const text = `\n\n${long}\nshort\n${"é".repeat(8192)}\n${"y".repeat(16 * 1024)}\n${"z".repeat(16 * 1024 + 1)}\n\nend\n`;
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 5000) log.write("stdout", bytes.subarray(at, at + 5000));
    log.write("stdout", bytes);
    await log.close();
    assert.equal(await read(path), text + text);
  });

  promise("an unfinished line survives a daemon that was killed, once", async (t) => {
    const path = place(t);
    open(path).write("stdout", Buffer.from("first\nhalf a "));
    // The first writer is never closed: that is what SIGKILL leaves.
    const second = open(path);
    second.write("stdout", Buffer.from("line\n"));
    await second.close();
    assert.equal(await read(path), "first\nhalf a line\n");
    second.forgetJournals();
    assert.equal(existsSync(subject.checkpoint(path)), false);
  });

  promise("entries after the last checkpoint are taken back, since their chunk comes again", async (t) => {
    const path = place(t);
    const first = open(path);
    first.write("stdout", Buffer.from("one\nhalf "), 9);
    const checkpoint = readFileSync(subject.checkpoint(path));
    first.write("stdout", Buffer.from("two\nthree\n"), 19);
    // Killed after the entries were written, before that was noted.
    writeFileSync(subject.checkpoint(path), checkpoint);
    const second = open(path);
    assert.equal(second.journalPosition("stdout"), 9);
    second.write("stdout", Buffer.from("two\nthree\n"), 19);
    assert.equal(second.journalPosition("stdout"), 19);
    await second.close();
    assert.equal(await read(path), "one\nhalf two\nthree\n");
  });

  promise("the same when its file was put aside and no new one begun", async (t) => {
    const path = place(t);
    const first = open(path);
    first.write("stdout", Buffer.from("one\nhalf "), 9);
    const checkpoint = readFileSync(subject.checkpoint(path));
    first.write("stdout", Buffer.from("two\nthree\n"), 19);
    writeFileSync(subject.checkpoint(path), checkpoint);
    renameSync(path, subject.aside(path));
    const second = open(path);
    second.write("stdout", Buffer.from("two\nthree\n"), 19);
    await second.close();
    assert.equal(await read(path), "one\nhalf two\nthree\n");
  });

  promise("a checkpoint cut short by a kill leaves the one before", async (t) => {
    const path = place(t);
    const first = open(path);
    first.write("stdout", Buffer.from("a\n"), 2);
    const before = readFileSync(subject.checkpoint(path));
    first.write("stdout", Buffer.from("b\n"), 4);
    const torn = readFileSync(subject.checkpoint(path));
    const at = torn.findIndex((byte, index) => byte !== before[index]);
    writeFileSync(subject.checkpoint(path), Buffer.concat([torn.subarray(0, at + 10), before.subarray(at + 10)]));
    assert.equal(open(path).journalPosition("stdout"), 2);
    assert.equal(await read(path), "a\n");
  });

  promise("what a closed log has of its journals is known until they are gone, and not of the next run's", async (t) => {
    const path = place(t);
    const ended = open(path);
    ended.write("stdout", Buffer.from("one\nlast words"), 14);
    await ended.close();
    // Killed before the journals were removed and the exit was recorded: the next daemon takes the run up again.
    const again = open(path);
    assert.equal(again.journalPosition("stdout"), 14);
    await again.close();
    assert.equal(await read(path), "one\nlast words");
    const next = open(path);
    next.begin();
    assert.equal(next.journalPosition("stdout"), 0);
    next.write("stdout", Buffer.from("two\n"), 4);
    await next.close();
    assert.equal(await read(path), "one\nlast wordstwo\n");
  });

  promise("a checkpoint of another boot takes nothing back", async (t) => {
    const path = place(t);
    const first = open(path);
    first.write("stdout", Buffer.from("a\n"), 2);
    const checkpoint = readFileSync(subject.checkpoint(path));
    first.write("stdout", Buffer.from("b\n"), 4);
    writeFileSync(subject.checkpoint(path), checkpoint);
    const log = open(path, { boot: "another boot" });
    assert.equal(log.journalPosition("stdout"), 0);
    await log.close();
    assert.equal(await read(path), "a\nb\n");
  });

  promise("after a reopen the rest goes into a new file, and readers and followers have all of it", async (t) => {
    const path = place(t);
    const log = open(path);
    log.write("stdout", Buffer.from("before\nhalf "), 12);
    const following = read(path, { follow: true }, log);
    await new Promise((resolve) => setImmediate(resolve));
    renameSync(path, subject.aside(path));
    log.write("stdout", Buffer.from("a line\nnot yet reopened\n"), 36);
    log.reopen();
    assert.equal(log.rotations, 1);
    assert.equal(readFileSync(path, "utf8"), "");
    log.write("stdout", Buffer.from("after\n"), 42);
    const text = "before\nhalf a line\nnot yet reopened\nafter\n";
    assert.equal(await read(path), text);
    await log.close();
    assert.equal(await following, text);
  });

  promise("a reopen of what nobody put aside changes nothing", async (t) => {
    const path = place(t);
    const log = open(path);
    log.write("stdout", Buffer.from("one\n"));
    log.reopen();
    log.write("stdout", Buffer.from("two\n"));
    assert.equal(log.rotations, 0);
    await log.close();
    log.reopen();
    assert.equal(await read(path), "one\ntwo\n");
  });

  promise("a reopen that fails leaves the file as it was", async (t) => {
    const path = place(t);
    const log = open(path);
    log.write("stdout", Buffer.from("one\n"));
    const away = `${path}-away`;
    renameSync(join(path, ".."), away.replace("/0.log-away", "-away"));
    assert.throws(() => log.reopen(), { code: "ENOENT" });
    renameSync(away.replace("/0.log-away", "-away"), join(path, ".."));
    log.write("stdout", Buffer.from("two\n"));
    await log.close();
    assert.equal(await read(path), "one\ntwo\n");
  });

  promise("tail, streams, timestamps, since and until choose and dress the lines", async (t) => {
    const path = place(t);
    const log = open(path);
    for (let index = 0; index < 5; index++) log.write(index % 2 ? "stderr" : "stdout", Buffer.from(`${index}\n`));
    await log.close();
    assert.equal(await read(path, { tail: 2 }), "E(3\n)4\n");
    assert.equal(await read(path, { tail: 0 }), "");
    assert.equal(await read(path, { tail: 100 }), "0\nE(1\n)2\nE(3\n)4\n");
    assert.equal(await read(path, { stderr: false }), "0\n2\n4\n");
    const [since, until] = [1_700_000_003_000_000_000n, 1_700_000_004_000_000_000n];
    assert.equal(await read(path, { since, until }), "2\nE(3\n)");
    assert.equal(await read(path, { tail: 1, timestamps: true }), "2023-11-14T22:13:25.000000000Z 4\n");
  });

  promise("a follower gets what is written later and ends with the log", async (t) => {
    const path = place(t);
    const log = open(path);
    log.write("stdout", Buffer.from("before\n"));
    const following = read(path, { follow: true }, log);
    for (let index = 0; index < 50; index++) {
      log.write("stdout", Buffer.from(`line ${index}\n`));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await log.close();
    assert.equal(await following, `before\n${Array.from({ length: 50 }, (_, n) => `line ${n}\n`).join("")}`);
  });

  promise("a follower stops when its client goes", async (t) => {
    const path = place(t);
    const log = open(path);
    const gone = new AbortController();
    const reading = readLog(path, { ...everything, follow: true }, gone.signal, log, subject.format).next();
    gone.abort();
    assert.equal((await reading).done, true);
    await log.close();
  });

  promise("a full disk loses entries, says so once, and writing goes on when there is room", async (t) => {
    const path = place(t);
    const lost: unknown[] = [];
    const log = open(path, { onLost: (error) => lost.push(error) });
    const full = Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    const failing = t.mock.method(Buffer.prototype, "write", () => {
      throw full;
    });
    log.write("stdout", Buffer.from("a\n"));
    log.write("stdout", Buffer.from("b\n"));
    failing.mock.restore();
    log.write("stdout", Buffer.from("c\n"));
    await log.close();
    assert.deepEqual(lost, [full]);
    assert.equal(await read(path), "c\n");
  });

  promise("a log whose file was deleted goes on in a new one, and whoever follows it too", async (t) => {
    const path = place(t);
    const log = open(path);
    log.write("stdout", Buffer.from("before\n"));
    const ending = new AbortController();
    const followed: string[] = [];
    const following = (async () => {
      for await (const { data } of readLog(path, { ...everything, follow: true }, ending.signal, log, subject.format)) {
        followed.push(data.toString());
        if (String(data).includes("after")) ending.abort();
      }
    })();
    rmSync(path);
    log.write("stdout", Buffer.from("after\n"));
    assert.equal(await read(path), "after\n");
    await following;
    assert.match(followed.join(""), /after\n/);
    await log.close();
  });
}
