import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { BufferSource } from "../testing/buffer-source.ts";
import { noAttributes, type TarEntry } from "./tar-entry.ts";
import { TarReader } from "./tar-reader.ts";
import { encodeHeader, endOfArchive } from "./tar-writer.ts";

const entry = (changes: Partial<TarEntry>): TarEntry => ({
  kind: "file",
  name: Buffer.from("f"),
  linkName: Buffer.alloc(0),
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  modified: { seconds: 1_700_000_000, nanoseconds: 0 },
  device: { major: 0, minor: 0 },
  attributes: noAttributes,
  ...changes,
});

const entries: Record<string, TarEntry> = {
  "a plain file": entry({}),
  "a folder": entry({ kind: "folder", name: Buffer.from("d/"), mode: 0o1777 }),
  "a name of 255 bytes": entry({ name: Buffer.from("n".repeat(255)) }),
  "a long path that can be split": entry({ name: Buffer.from(`${"d".repeat(120)}/${"f".repeat(99)}`) }),
  "a long path of a folder": entry({ kind: "folder", name: Buffer.from(`${"d".repeat(60)}/${"e".repeat(60)}/`) }),
  "a path no prefix holds": entry({ name: Buffer.from(`${"d/".repeat(200)}f`) }),
  "a name that is no UTF-8": entry({ name: Buffer.from([0x61, 0xff, 0xfe, 0x62]) }),
  "a name with a newline and blanks": entry({ name: Buffer.from("a\n b=c ") }),
  "a link to a long place": entry({ kind: "symbolicLink", linkName: Buffer.from("t".repeat(4000)) }),
  "a link to a place that is no UTF-8": entry({ kind: "symbolicLink", linkName: Buffer.from([0xe9]) }),
  "a hard link": entry({ kind: "hardLink", linkName: Buffer.from("other") }),
  "big owners": entry({ uid: 3_000_000, gid: 4_294_967_294, mode: 0o4755 }),
  "a device": entry({ kind: "characterDevice", device: { major: 1, minor: 3 } }),
  "a FIFO": entry({ kind: "fifo" }),
  "a time before 1970": entry({ modified: { seconds: -5, nanoseconds: 0 } }),
  "a time far away": entry({ modified: { seconds: 9_000_000_000, nanoseconds: 0 } }),
  attributes: entry({
    attributes: new Map([
      ["security.capability", Buffer.from([1, 0, 0, 2, 0, 0x20, 0, 0])],
      ["user.\xff", Buffer.from("with\nnewline")],
    ]),
  }),
};

for (const [what, written] of Object.entries(entries))
  test(`${what} comes back as it was written`, () => {
    const reader = new TarReader(new BufferSource(Buffer.concat([encodeHeader(written), endOfArchive])));
    assert.deepEqual(reader.next(), written);
    assert.equal(reader.next(), undefined);
  });

test("a size beyond eight octal gigabytes is in a record", () => {
  const reader = new TarReader(new BufferSource(encodeHeader(entry({ size: 2 ** 40 }))));
  assert.equal(reader.next()?.size, 2 ** 40);
});

test("sizes of records count their own digits", () => {
  for (const length of [0, 1, 85, 86, 87, 88, 89, 983, 984, 985, 986, 987]) {
    const written = entry({ attributes: new Map([["user.x", Buffer.alloc(length, "v")]]) });
    const reader = new TarReader(new BufferSource(encodeHeader(written)));
    assert.deepEqual(reader.next(), written, `value of ${length} bytes`);
  }
});

test("an attribute that a record has no name for is left out, and is none of another name", () => {
  const written = entry({
    attributes: new Map([
      ["user.a=b", Buffer.from("c")],
      ["user.d", Buffer.from("e=f")],
    ]),
  });
  const reader = new TarReader(new BufferSource(encodeHeader(written)));
  assert.deepEqual(reader.next()?.attributes, new Map([["user.d", Buffer.from("e=f")]]));
});

test("GNU tar reads what is written", () => {
  const written = ["a name of 255 bytes", "a path no prefix holds", "a folder", "big owners", "a link to a long place"];
  const tar = Buffer.concat([...written.map((what) => encodeHeader(entries[what] ?? assert.fail())), endOfArchive]);
  const listed = execFileSync("tar", ["-tf", "-"], { input: tar, encoding: "utf8" }).trimEnd().split("\n");
  assert.deepEqual(listed, ["n".repeat(255), `${"d/".repeat(200)}f`, "d/", "f", "f"]);
});
