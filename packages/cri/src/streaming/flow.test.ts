import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { commandClients } from "./testing/command-client.ts";
import { TestStreaming } from "./testing/test-streaming.ts";

const mebibyte = 1 << 20;
const total = 100 * mebibyte;
/** What lies in streams of both sides, and what the collector has let go of and the allocator not yet; less than what passes. */
const held = 72 * mebibyte;
/** What is said into a connection before it holds up: the kernel's buffers are the largest part. */
const taken = 24 * mebibyte;

/** Chunks that differ, so that a loss or a swap shows. */
function* hundredMebibytes(): Generator<Buffer> {
  for (let sent = 0; sent < total; sent += 1 << 16) {
    const chunk = Buffer.alloc(1 << 16, sent >> 16);
    chunk.writeUInt32BE(sent);
    yield chunk;
  }
}

const expected = (): string => {
  const hash = createHash("sha256");
  for (const chunk of hundredMebibytes()) hash.update(chunk);
  return hash.digest("hex");
};

async function hashOf(stream: Readable): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What buffers take that somebody still has: the collector comes by itself when it likes. */
function bytesHeld(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** Looks now and then at what is held. */
function watchMemory() {
  const before = bytesHeld();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, bytesHeld());
  }, 50);
  return {
    grown: () => most - before,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

for (const [way, open] of Object.entries(commandClients)) {
  test(`100 MiB of output pass over ${way}, byte for byte, and lie nowhere`, async () => {
    await using streaming = await TestStreaming.start();
    using memory = watchMemory();
    streaming.backend.run = async ({ stdout }) => {
      assert.ok(stdout);
      await pipeline(Readable.from(hundredMebibytes()), stdout);
    };
    const client = await open(streaming.url("exec", { stderr: false }));
    const [hash, status] = await Promise.all([hashOf(client.stdout), text(client.status)]);
    assert.equal(hash, expected());
    assert.equal(JSON.parse(status).status, "Success");
    assert.ok(memory.grown() < held, `buffers grew by ${memory.grown()} bytes`);
  });

  test(`100 MiB of input pass over ${way}, byte for byte, and lie nowhere`, async () => {
    await using streaming = await TestStreaming.start();
    using memory = watchMemory();
    const got = Promise.withResolvers<string>();
    streaming.backend.run = async ({ stdin }) => {
      assert.ok(stdin);
      got.resolve(await hashOf(stdin));
    };
    const client = await open(streaming.url("exec", { stderr: false }));
    for (const chunk of hundredMebibytes()) await client.write(chunk);
    await client.end();
    assert.equal(await got.promise, expected());
    assert.ok(memory.grown() < held, `buffers grew by ${memory.grown()} bytes`);
  });

  test(`a client that does not read over ${way} holds up the process, and loses nothing`, async () => {
    await using streaming = await TestStreaming.start();
    let said = 0;
    streaming.backend.run = async ({ stdout }) => {
      assert.ok(stdout);
      const counted = Readable.from(hundredMebibytes()).map((chunk: Buffer) => {
        said += chunk.length;
        return chunk;
      });
      await pipeline(counted, stdout);
    };
    const client = await open(streaming.url("exec", { stderr: false }));
    client.pause();
    let before = -1;
    for (let tries = 0; said !== before && tries < 50; tries++) {
      before = said;
      await sleep(300);
    }
    assert.equal(said, before, "it was said on");
    assert.ok(before < taken, `${before} bytes were said`);
    client.resume();
    assert.equal(await hashOf(client.stdout), expected());
  });

  test(`a process that does not read holds up its client over ${way}, and a client that vanishes then is noticed`, async () => {
    await using streaming = await TestStreaming.start();
    streaming.backend.run = ({ signal }) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    const client = await open(streaming.url("exec", { stderr: false }));
    let said = 0;
    const saying = (async () => {
      for (const chunk of hundredMebibytes()) {
        await client.write(chunk);
        said += chunk.length;
      }
    })();
    await sleep(1000);
    assert.ok(said < taken, `${said} bytes were taken`);
    client.vanish();
    await streaming.untilQuiet();
    await Promise.race([saying, sleep(100)]);
  });

  test(`clients over ${way} that vanish at any moment leave nothing`, async () => {
    await using streaming = await TestStreaming.start();
    streaming.backend.run = async ({ stdin, stdout }) => {
      if (stdin && stdout) await pipeline(stdin, stdout);
    };
    for (let round = 0; round < 20; round++) {
      const client = await open(streaming.url(round % 2 === 0 ? "exec" : "attach", { stderr: false }));
      const gone = new AbortController();
      let left = Math.floor(Math.random() * 3 * mebibyte);
      client.stdout.on("data", (chunk: Buffer) => {
        left -= chunk.length;
        if (left < 0) gone.abort();
      });
      gone.signal.addEventListener("abort", () => client.vanish());
      for (let sent = 0; sent < 4 * mebibyte && !gone.signal.aborted; sent += 1 << 16)
        await Promise.race([client.write(Buffer.alloc(1 << 16)), sleep(50)]);
      gone.abort();
    }
    await streaming.untilQuiet();
  });
}
