import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
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

async function namesIn(source: PassThrough): Promise<string[]> {
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
