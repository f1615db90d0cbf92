import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { BufferSource } from "../testing/buffer-source.ts";
import { sealedHeader, type HeaderFields } from "../testing/sealed-header.ts";
import { encodePaxRecords } from "./pax-records.ts";
import type { TarEntry } from "./tar-entry.ts";
import { TarReader } from "./tar-reader.ts";

const zeros = (blocks: number): Buffer => Buffer.alloc(blocks * 512);

function padded(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 511)]);
}

function entriesOf(...parts: Buffer[]): { entry: TarEntry; content: Buffer }[] {
  const reader = new TarReader(new BufferSource(Buffer.concat(parts)));
  const found: { entry: TarEntry; content: Buffer }[] = [];
  for (let entry = reader.next(); entry !== undefined; entry = reader.next()) {
    const chunks: Buffer[] = [];
    for (let chunk = reader.content(); chunk.length > 0; chunk = reader.content()) chunks.push(Buffer.from(chunk));
    found.push({ entry, content: Buffer.concat(chunks) });
  }
  return found;
}

const header = (fields: HeaderFields): Buffer => sealedHeader(fields);

function withRecords(records: [string, string | Buffer][], fields: HeaderFields, type = "x"): Buffer {
  const content = encodePaxRecords(records.map(([key, value]) => [key, Buffer.from(value)]));
  return Buffer.concat([header({ name: "pax", type, size: content.length }), padded(content), header(fields)]);
}

const only = (...parts: Buffer[]): TarEntry => entriesOf(...parts)[0]?.entry ?? assert.fail("no entry");

test("a name is the prefix and the name, both as bytes", () => {
  const { name } = only(header({ name: Buffer.from([0x61, 0xff, 0xfe]), prefix: "some/folder" }));
  assert.deepEqual(name, Buffer.concat([Buffer.from("some/folder/a"), Buffer.from([0xff, 0xfe])]));
});

test("GNU's long names and long links belong to the next entry only", () => {
  const long = "n".repeat(300);
  const found = entriesOf(
    header({ name: "././@LongLink", type: "L", size: 301, gnu: true }),
    padded(`${long}\0`),
    header({ name: "././@LongLink", type: "K", size: 301, gnu: true }),
    padded(`${"t".repeat(300)}\0`),
    header({ name: "short", type: "2", linkName: "cut", gnu: true }),
    header({ name: "next", gnu: true }),
    zeros(2),
  );
  assert.deepEqual(
    found.map(({ entry }) => [entry.kind, entry.name.toString(), entry.linkName.toString()]),
    [
      ["symbolicLink", long, "t".repeat(300)],
      ["file", "next", ""],
    ],
  );
});

test("PAX records are stronger than the header, and the entry's own stronger than global ones", () => {
  const entry = only(
    withRecords(
      [
        ["uid", "7"],
        ["mtime", "5"],
        ["path", "for all?"],
      ],
      { name: "one" },
      "g",
    ).subarray(0, 1024),
    withRecords(
      [
        ["path", "träger"],
        ["linkpath", "ziel"],
        ["gid", "3000001"],
        ["uid", "3000000"],
        ["mtime", "1234567890.987654321999"],
        ["SCHILY.xattr.user.a=b", "no"],
      ],
      { name: "short", type: "2", uid: 0, mode: 0o4755 },
    ),
  );
  assert.equal(entry.name.toString(), "träger");
  assert.equal(entry.linkName.toString(), "ziel");
  assert.deepEqual([entry.uid, entry.gid, entry.mode], [3_000_000, 3_000_001, 0o4755]);
  assert.deepEqual(entry.modified, { seconds: 1_234_567_890, nanoseconds: 987_654_321 });
});

test("global records hold for every entry, but no name or size does", () => {
  const pax = withRecords(
    [
      ["uid", "7"],
      ["path", "x"],
      ["size", "9"],
    ],
    { name: "one", size: 1 },
    "g",
  );
  const found = entriesOf(pax, padded("a"), header({ name: "two", uid: 1 }), zeros(2));
  assert.deepEqual(
    found.map(({ entry }) => [entry.name.toString(), entry.uid, entry.size]),
    [
      ["one", 7, 1],
      ["two", 7, 0],
    ],
  );
});

test("of global records the last one said holds, and they are bounded in all", () => {
  const globals = (...records: [string, string][]) => withRecords(records, { name: "one" }, "g").subarray(0, -512);
  const repeated = Array.from({ length: 2000 }, (_, each) => globals(["uid", String(each)]));
  const [last] = entriesOf(...repeated, header({ name: "two", uid: 1 }), zeros(2));
  assert.equal(last?.entry.uid, 1999);
  const many = Array.from({ length: 9 }, (_, each) => globals([`SCHILY.xattr.user.${each}`, "x".repeat(10_000)]));
  assert.throws(() => entriesOf(...many, header({ name: "two" }), zeros(2)), /invalid tar header/);
});

test("times before 1970 and with a fraction count upwards", () => {
  assert.deepEqual(only(withRecords([["mtime", "-0.25"]], { name: "f" })).modified, { seconds: -1, nanoseconds: 750_000_000 });
  assert.deepEqual(only(withRecords([["mtime", "-5"]], { name: "f" })).modified, { seconds: -5, nanoseconds: 0 });
});

test("extended attributes are bytes, with NUL and newline in them", () => {
  const value = Buffer.from([1, 0, 0, 2, 0x0a, 0xff]);
  const { attributes } = only(withRecords([["SCHILY.xattr.security.capability", value]], { name: "f" }));
  assert.deepEqual([...attributes], [["security.capability", value]]);
});

test("numbers beyond the octal fields are read from base 256", () => {
  const big = Buffer.alloc(12);
  big[0] = 0x80;
  big.writeBigUInt64BE(0o3_000_000n, 4);
  const uid = Buffer.from([0x80, 0, 0, 0, 0, 0x2d, 0xc6, 0xc0]);
  const entry = only(header({ name: "f", type: "5", rawUid: uid, rawModified: big }));
  assert.deepEqual([entry.uid, entry.modified.seconds], [3_000_000, 0o3_000_000]);
  const before1970 = Buffer.alloc(12, 0xff);
  assert.equal(only(header({ name: "f", rawModified: before1970 })).modified.seconds, -1);
});

test("an owner that chown would take for leaving root as it is is refused, as PAX and in the header", () => {
  assert.throws(() => only(withRecords([["uid", "4294967295"]], { name: "f", mode: 0o4755 })), /invalid tar header/);
  const minusOne = Buffer.from([0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  assert.throws(() => only(header({ name: "f", rawUid: minusOne })), /invalid tar header/);
  assert.equal(only(withRecords([["uid", "4294967294"]], { name: "f" })).uid, 4_294_967_294);
});

test("devices, FIFOs, hard links and the folders of the oldest format are told apart", () => {
  const found = entriesOf(
    header({ name: "c", type: "3", major: 1, minor: 3 }),
    header({ name: "b", type: "4", major: 8, minor: 1 }),
    header({ name: "p", type: "6" }),
    header({ name: "h", type: "1", linkName: "c", size: 77 }),
    header({ name: "old/", type: "\0" }),
    header({ name: "old/file", type: "\0" }),
    header({ name: "contiguous", type: "7" }),
    zeros(2),
  );
  assert.deepEqual(
    found.map(({ entry }) => [entry.kind, entry.device.major, entry.device.minor]),
    [
      ["characterDevice", 1, 3],
      ["blockDevice", 8, 1],
      ["fifo", 0, 0],
      ["hardLink", 0, 0],
      ["folder", 0, 0],
      ["file", 0, 0],
      ["file", 0, 0],
    ],
  );
});

test("damaged headers, cut off content and unknown kinds are errors in dockerd's words", () => {
  const good = header({ name: "f", size: 3 });
  const bad = Buffer.from(good);
  bad[0] = 0x67;
  const invalid = { message: "archive/tar: invalid tar header" };
  const cut = { message: "unexpected EOF" };
  assert.throws(() => entriesOf(bad), invalid);
  assert.throws(() => entriesOf(good.subarray(0, 100)), cut);
  assert.throws(() => entriesOf(good, Buffer.from("ab")), cut);
  assert.throws(() => entriesOf(zeros(1), good), invalid);
  assert.throws(() => entriesOf(header({ name: "u", type: "Z" })), { message: "unhandled tar header type 90" });
  assert.throws(() => entriesOf(header({ name: "x", type: "x", size: 2 << 20 })), invalid);
  assert.throws(() => entriesOf(withRecords([["path", "a\0b"]], { name: "f" })), invalid);
  for (const records of ["5 a=b\n", "99 a=b\n", "6 ab\nx\n", "x a=b\n", "-6 a=b\n"])
    assert.throws(
      () => entriesOf(header({ name: "x", type: "x", size: records.length }), padded(records), good),
      invalid,
      records,
    );
});

test("an archive may end without its zeros and without the filling of its last block", () => {
  assert.equal(entriesOf(header({ name: "f", size: 3 }), Buffer.from("abc"))[0]?.content.toString(), "abc");
  assert.deepEqual(entriesOf(), []);
  assert.deepEqual(entriesOf(zeros(1)), []);
});

/** A file of 3 MB with four pieces of content. */
function sparseFile(t: TestContext): { folder: string; bytes: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), "sparse-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const fd = openSync(join(folder, "q"), "w");
  for (let index = 0; index < 30; index++) writeSync(fd, `piece ${index}`, 100_000 * index + 4096);
  ftruncateSync(fd, 3_145_728);
  closeSync(fd);
  return { folder, bytes: readFileSync(join(folder, "q")) };
}

function assembled({ entry, content }: { entry: TarEntry; content: Buffer }): Buffer {
  assert.ok(entry.sparse, "it is sparse");
  const whole = Buffer.alloc(entry.sparse.length);
  let at = 0;
  for (const { offset, length } of entry.sparse.extents) {
    content.copy(whole, offset, at, at + length);
    at += length;
  }
  assert.equal(at, content.length);
  return whole;
}

for (const format of ["gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix --sparse-version=1.0"])
  test(`a sparse file of GNU tar's format ${format} has its content in its places`, (t) => {
    const { folder, bytes } = sparseFile(t);
    writeFileSync(join(folder, "after"), "next");
    const options = `--sparse --format=${format}`.split(" ");
    const tar = execFileSync("tar", ["-cf", "-", ...options, "-C", folder, "q", "after"], { maxBuffer: 1 << 26 });
    assert.ok(tar.length < 1 << 20, "the archive has holes");
    const [sparse, next] = entriesOf(tar);
    assert.equal(sparse?.entry.name.toString(), "q");
    assert.ok(sparse && assembled(sparse).equals(bytes));
    assert.equal(next?.content.toString(), "next");
  });

test("maps of sparse files that overlap, go beyond the file or do not fit the content are refused", () => {
  const sparse = (records: [string, string][], size = 3): unknown =>
    entriesOf(withRecords(records, { name: "f", size }), padded("abc"), zeros(2));
  const invalid = { message: "archive/tar: invalid tar header" };
  assert.throws(
    () =>
      sparse([
        ["GNU.sparse.size", "10"],
        ["GNU.sparse.map", "8,3"],
      ]),
    invalid,
  );
  assert.throws(
    () =>
      sparse([
        ["GNU.sparse.size", "10"],
        ["GNU.sparse.map", "5,2,4,1"],
      ]),
    invalid,
  );
  assert.throws(
    () =>
      sparse([
        ["GNU.sparse.size", "10"],
        ["GNU.sparse.map", "0,2"],
      ]),
    invalid,
  );
  assert.throws(
    () =>
      sparse([
        ["GNU.sparse.size", "10"],
        ["GNU.sparse.map", "0,2,3"],
      ]),
    invalid,
  );
  assert.throws(
    () =>
      sparse([
        ["GNU.sparse.size", "99999999999999999999"],
        ["GNU.sparse.map", "0,3"],
      ]),
    invalid,
  );
  const version1: [string, string][] = [
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.realsize", "10"],
  ];
  assert.throws(() => sparse(version1), invalid);
  const many = padded(`99999999999\n`);
  assert.throws(() => entriesOf(withRecords(version1, { name: "f", size: 512 }), many), invalid);
});
