import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { buffer } from "node:stream/consumers";
import { readTar } from "./tar-entries.ts";

async function archive(): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: "file" }, "content");
  tar.finalize();
  return gzipSync(await buffer(tar));
}

async function namesIn(source: Readable): Promise<string[]> {
  const names: string[] = [];
  await readTar(source, new AbortController().signal, async ({ name, content }) => {
    names.push(`${name}: ${Buffer.concat(await Array.fromAsync(content)).toString()}`);
  });
  return names;
}

test("an archive that comes a byte at a time is read, and the event loop is others' while it does not come", async () => {
  const source = new PassThrough();
  const names = namesIn(source);
  for (const [index, byte] of (await archive()).entries()) {
    source.write(Buffer.from([byte]));
    if (index < 10) await sleep(1);
  }
  source.end();
  assert.deepEqual(await names, ["file: content"]);
});

test("one that ends before it says how it is compressed, or breaks off, is an error", async () => {
  const short = new PassThrough();
  short.end(Buffer.from([0x1f, 0x8b]));
  await assert.rejects(namesIn(short), /invalid archive/);
  const broken = new PassThrough();
  const names = namesIn(broken);
  broken.write(Buffer.from([0x1f, 0x8b]));
  await sleep(5);
  broken.destroy(new Error("the client went away"));
  await assert.rejects(names, /the client went away/);
});

/** Files whose PAX headers say these of them. */
async function archiveWith(...headers: Record<string, string>[]): Promise<Readable> {
  const tar = pack();
  for (const pax of headers)
    if (pax["linkpath"] === undefined) tar.entry({ name: "x", pax }, "");
    else tar.entry({ name: "x", type: "link", linkname: "x", pax });
  tar.finalize();
  return Readable.from([await buffer(tar)]);
}

test("a name is no longer than the kernel's, and the slashes in it cost no more than their number", async () => {
  // In the square of it this would take hours.
  const slashes = "/".repeat(1 << 20);
  for (const header of [{ path: `a${slashes}x` }, { linkpath: `a${slashes}x` }])
    await assert.rejects(namesIn(await archiveWith(header)), {
      kind: "invalidArgument",
      message: "invalid archive: an entry's name or link has 1048578 characters, more than 4096",
    });
  const within = "/".repeat(4000);
  assert.deepEqual(await namesIn(await archiveWith({ path: `a${within}x` }, { path: `b${within}` })), ["a/x: ", "b: "]);
});

test("the names of an archive, which are in memory at once, are bounded together", async () => {
  const long = "a".repeat(4096);
  const many = await archiveWith(...Array.from({ length: 8193 }, () => ({ path: long, linkpath: long })));
  await assert.rejects(namesIn(many), {
    kind: "invalidArgument",
    message: "invalid archive: the names of its entries have more than 67108864 characters",
  });
});

/** A header and its content, filled up to whole blocks. */
function block(type: string, content: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(512);
  header.write("x");
  header.write(content.length.toString(8).padStart(11, "0"), 124);
  header.write(`        ${type}`, 148);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc(-content.length & 511)]);
}

const records = (count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, index) => `13 k${1e6 + index}=\n`).join(""));

test("what is said of all entries costs nothing with each of them", async () => {
  const some = block("x", Buffer.from("7 a=bc\n"));
  const file = block("0", Buffer.from("text"));
  // With each of the entries this would take most of a second.
  const tar = Buffer.concat([block("g", records(300_000)), ...Array.from({ length: 1000 }, () => [some, file]).flat()]);
  assert.deepEqual(await namesIn(Readable.from([tar])), Array(1000).fill("x: text"));
});

test("what is said of one entry is bounded, and what is said in all", async () => {
  const message = "invalid archive: archive/tar: invalid tar header";
  const file = block("0");
  assert.deepEqual(await namesIn(Readable.from([block("x", records(10_000)), file])), ["x: "]);
  await assert.rejects(namesIn(Readable.from([block("x", records(10_001)), file])), { kind: "invalidArgument", message });
  await assert.rejects(namesIn(Readable.from([block("L", Buffer.alloc((4 << 20) + 1)), file])), { kind: "invalidArgument" });
  const long = block("x", Buffer.from(`4000000 comment=${"a".repeat(4_000_000 - 17)}\n`));
  await assert.rejects(namesIn(Readable.from(Array.from({ length: 68 }, () => long))), { kind: "invalidArgument", message });
});
