import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { CriLog } from "./cri-log.ts";
import { criFormat } from "./log-file-format.ts";
import { readLog } from "./log-reader.ts";

function place(t: TestContext): { folder: string; path: string; open: () => CriLog } {
  const folder = mkdtempSync(join(tmpdir(), "cri-log-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "pod", "web", "0.log");
  const deps = { clock: { now: () => 1_700_000_000_000_000_000n }, onLost: (error: unknown) => assert.fail(String(error)) };
  return { folder, path, open: () => new CriLog(path, { checkpointPath: join(folder, "checkpoint") }, deps) };
}

const head = (stream: string, tag: string): string => `2023-11-14T22:13:20.000000000Z ${stream} ${tag} `;

test("lines are written in CRI's format, and an end without newline is a part of a line", async (t) => {
  const { path, open } = place(t);
  const log = open();
  log.write("stdout", Buffer.from("one\n\nthree"));
  log.write("stderr", Buffer.from("with a\rreturn \\ and é\n"));
  await log.close();
  assert.equal(
    readFileSync(path, "utf8"),
    `${head("stdout", "F")}one\n${head("stdout", "F")}\n${head("stderr", "F")}with a\rreturn \\ and é\n${head("stdout", "P")}three\n`,
  );
});

test("a line is cut after 16 KiB and not at 16 KiB, whatever pieces it comes in", async (t) => {
  for (const pieceBytes of [100_000, 4096, 999]) {
    const { path, open } = place(t);
    const log = open();
    const bytes = Buffer.from(`${"a".repeat(16_384)}\n${"b".repeat(16_385)}\n${"c".repeat(16_384 * 2)}\n`);
    for (let at = 0; at < bytes.length; at += pieceBytes) log.write("stdout", bytes.subarray(at, at + pieceBytes));
    await log.close();
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => [line.slice(38, 39), line.length - 40, line.at(-1)]),
      [
        ["F", 16_384, "a"],
        ["P", 16_384, "b"],
        ["F", 1, "b"],
        ["P", 16_384, "c"],
        ["F", 16_384, "c"],
      ],
    );
  }
});

test("bytes that are no UTF-8, or are cut in two, come out of the file and of the reader as they went in", async (t) => {
  const { path, open } = place(t);
  const log = open();
  const bytes = Buffer.concat([Buffer.from([0xff, 0xfe, 0, 0x80]), Buffer.from("x".repeat(16_379)), Buffer.from("é\n")]);
  log.write("stdout", bytes);
  await log.close();
  const prefixBytes = head("stdout", "P").length;
  assert.deepEqual(readFileSync(path).subarray(prefixBytes, prefixBytes + 5), Buffer.from([0xff, 0xfe, 0, 0x80, 0x78]));
  const read: Uint8Array[] = [];
  const query = { stdout: true, stderr: true, follow: false, timestamps: false, details: false };
  for await (const { data } of readLog(path, query, new AbortController().signal, undefined, criFormat)) read.push(data);
  assert.deepEqual(Buffer.concat(read), bytes);
});

test("files that the kubelet has put aside are read too, compressed ones once, and others not", async (t) => {
  const { path, open } = place(t);
  const log = open();
  log.write("stdout", Buffer.from("now\n"));
  await log.close();
  writeFileSync(`${path}.20260101-000000.gz`, gzipSync(`${head("stdout", "F")}first\n`));
  for (const ending of ["20260102-000000", "tmp", "unfinished"])
    writeFileSync(`${path}.${ending}`, `${head("stdout", "F")}second\n`);
  writeFileSync(`${path}.20260102-000000.gz`, gzipSync(`${head("stdout", "F")}second\n`));
  let text = "";
  const query = { stdout: true, stderr: true, follow: false, timestamps: false, details: false };
  for await (const { data } of readLog(path, query, new AbortController().signal, undefined, criFormat)) text += String(data);
  assert.equal(text, "first\nsecond\nnow\n");
});

test("a link or a folder in the place of the log is neither followed nor a log", (t) => {
  const { folder, path, open } = place(t);
  void open().close();
  rmSync(path);
  symlinkSync(join(folder, "elsewhere"), path);
  assert.throws(open, { kind: "failedPrecondition", message: /is no regular file/ });
  rmSync(path);
  mkdirSync(path);
  assert.throws(open, { kind: "failedPrecondition", message: /is no regular file/ });
});
