import assert from "node:assert/strict";
import { once } from "node:events";
import { duplexPair, type Duplex } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SpdyClient } from "../testing/spdy-client.ts";
import { goAway, ping, rstStream } from "./frames.ts";
import { SpdyConnection } from "./spdy-connection.ts";
import type { SpdyStream } from "./spdy-stream.ts";

function connected({ maxStreams = 4 } = {}) {
  const [mine, theirs] = duplexPair();
  mine.on("error", () => undefined);
  const made: SpdyStream[] = [];
  const connection = new SpdyConnection({
    connection: mine,
    idleTimeoutMs: 60_000,
    maxStreams,
    onStream: (stream) => made.push(stream) > 0,
  });
  return { theirs, made, connection, running: connection.run() };
}

test("streams beyond the limit are refused, and a place that is free again is given away", async () => {
  const { theirs, made } = connected({ maxStreams: 2 });
  const client = new SpdyClient(theirs, "");
  const [one] = [await client.stream({ a: "1" }), await client.stream({ a: "2" })];
  const third = await client.make({ a: "3" });
  await assert.rejects(third.replied.promise, /reset: 3/);
  one.cancel();
  await client.stream({ a: "4" });
  assert.deepEqual(
    made.map(({ id, headers }) => [id, headers.get("a")]),
    [
      [1, "1"],
      [3, "2"],
      [7, "4"],
    ],
  );
  theirs.destroy();
});

const rubbish: Record<string, Buffer> = {
  "another version": Buffer.from("8002000100000000", "hex"),
  "a control frame that is too large": Buffer.from("8003000100ffffff", "hex"),
  "headers that are no zlib": Buffer.from("800300010000000e0000000100000000000041424344", "hex"),
  "a stream without headers": Buffer.from("800300010000000a00000001000000000000", "hex"),
  "a reset of nothing": Buffer.from("8003000300000000", "hex"),
  HTTP: Buffer.from("GET / HTTP/1.1\r\n\r\n"),
};

for (const [what, bytes] of Object.entries(rubbish))
  test(`${what}: the connection is cut off, at the latest when the client goes`, async () => {
    const { theirs, running, connection } = connected();
    theirs.write(bytes);
    // As data of a stream that there is not, HTTP waits for more.
    if (what === "HTTP") theirs.end();
    theirs.resume();
    await running;
    assert.equal(connection.signal.aborted, true);
  });

test("unknown frames, data and resets of streams that are over are passed by", async () => {
  const { theirs } = connected();
  const client = new SpdyClient(theirs, "");
  theirs.write(Buffer.from("80030004000000080000000000000000", "hex"));
  theirs.write(Buffer.from("80030063000000020102", "hex"));
  theirs.write(Buffer.concat([rstStream(9, 5), Buffer.from("0000000900000002", "hex"), Buffer.from("hi"), ping(5)]));
  const stream = await client.stream({ a: "1" });
  assert.equal(stream.id, 1);
  assert.deepEqual(client.pongs, [5]);
  theirs.write(goAway(0));
  await client.closed;
});

test("a client that pings without reading the answers is cut off", async () => {
  const { theirs, running } = connected();
  const flood = Buffer.concat(Array.from({ length: 4096 }, () => ping(1)));
  theirs.on("error", () => undefined);
  for (let times = 0; times < 8 && !theirs.destroyed; times++) theirs.write(flood);
  await running;
});

test("header blocks that unpack to too much cut off the connection", async () => {
  const { theirs, running } = connected();
  const client = new SpdyClient(theirs, "");
  const bomb = await client.make({ a: "x".repeat(100_000) });
  await running;
  await assert.rejects(bomb.replied.promise);
});

test("streams take turns in writing", async () => {
  const { theirs, made } = connected();
  const order = frameOrder(theirs);
  const client = new SpdyClient(theirs, "");
  for (const a of ["1", "2"]) (await client.stream({ a })).output.resume();
  await Promise.all(
    made.map((stream) => new Promise((resolve) => stream.end(Buffer.alloc(256 << 10), () => resolve(undefined)))),
  );
  await sleep(10);
  const turns = order();
  assert.notDeepEqual(turns, [...turns].sort());
  theirs.destroy();
  await once(theirs, "close").catch(() => undefined);
});

/** Of which streams data frames came, one after the other; each frame's head is a chunk of its own. */
function frameOrder(socket: Duplex): () => number[] {
  const ids: number[] = [];
  socket.on("data", (chunk: Buffer) => {
    if (chunk.length === 8 && chunk.readUInt8(0) === 0) ids.push(chunk.readUInt32BE(0));
  });
  return () => ids;
}
