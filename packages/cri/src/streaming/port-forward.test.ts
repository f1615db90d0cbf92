import { unavailable } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ChannelClient } from "./testing/channel-client.ts";
import { SpdyClient } from "./testing/spdy-client.ts";
import { openTunnel } from "./testing/tunnel-client.ts";
import { TestStreaming } from "./testing/test-streaming.ts";

/** Says what it heard, when it has heard all: by half-closes in both directions. */
function answering(streaming: TestStreaming): void {
  streaming.backend.forward = async (connection, { port }) => {
    // Read itself, it would be destroyed at its end, in both directions.
    const heard = await text(connection.pipe(new PassThrough()));
    connection.end(`${port} heard ${heard}`);
  };
}

const ways = {
  SPDY: (url: string) => SpdyClient.open(url, "portforward.k8s.io"),
  "SPDY of clients without versions": (url: string) => SpdyClient.open(url, ""),
  "SPDY in a WebSocket": async (url: string) => new SpdyClient(await openTunnel(url), ""),
};

async function pair(client: SpdyClient, port: string, requestID?: string) {
  const headers = { port, ...(requestID === undefined ? {} : { requestID }) };
  const error = await client.stream({ streamType: "error", ...headers });
  await error.end();
  const data = await client.stream({ streamType: "data", ...headers });
  return { data, heard: text(data.output), error: text(error.output) };
}

for (const [way, open] of Object.entries(ways)) {
  test(`port-forward over ${way}: connections side by side, each end a half-close`, async () => {
    await using streaming = await TestStreaming.start();
    answering(streaming);
    const client = await open(streaming.url("portforward"));
    const [one, two] = [await pair(client, "80", "0"), await pair(client, "65535", "1")];
    const old = await pair(client, "8080");
    for (const [name, { data }] of Object.entries({ one, two, old })) {
      await data.write(name);
      await data.end();
    }
    assert.deepEqual(await Promise.all([one.heard, two.heard, old.heard]), ["80 heard one", "65535 heard two", "8080 heard old"]);
    assert.deepEqual(await Promise.all([one.error, two.error, old.error]), ["", "", ""]);
    assert.deepEqual(streaming.backend.asked[0], { podSandboxId: "p1", port: 80 });
    client.socket.destroy();
    await streaming.untilQuiet();
  });

  test(`port-forward over ${way}: a connection that fails says why, and takes no other along`, async () => {
    await using streaming = await TestStreaming.start();
    answering(streaming);
    const { forward } = streaming.backend;
    streaming.backend.forward = async (connection, request, signal) => {
      if (request.port === 81) throw unavailable("connection refused");
      await forward(connection, request, signal);
    };
    const client = await open(streaming.url("portforward"));
    const [good, bad] = [await pair(client, "80", "0"), await pair(client, "81", "1")];
    assert.equal(await bad.error, "error forwarding port 81 to pod p1: connection refused");
    assert.equal(await bad.heard, "");
    await good.data.end("still");
    assert.equal(await good.heard, "80 heard still");
    client.socket.destroy();
    await streaming.untilQuiet();
  });
}

for (const [way, open] of Object.entries(ways))
  test(`clients of a port-forward over ${way} that vanish at any moment leave nothing`, async () => {
    await using streaming = await TestStreaming.start();
    streaming.backend.forward = async (connection) => {
      const echo = new PassThrough();
      await Promise.all([pipeline(connection, echo), pipeline(echo, connection)]).finally(() => connection.destroy());
    };
    for (let round = 0; round < 20; round++) {
      const client = await open(streaming.url("portforward"));
      setTimeout(() => client.socket.destroy(), Math.random() * 30);
      for (let request = 0; !client.socket.destroyed; request++) {
        const made = await pair(client, "80", String(request)).catch(() => undefined);
        await made?.data.write(Buffer.alloc(1 << 16));
        await sleep(1);
      }
    }
    await streaming.untilQuiet();
  });

test("streams that name no port or kind are reset, and so is one that stays alone", async () => {
  await using streaming = await TestStreaming.start({ creationTimeoutMs: 50 });
  const client = await SpdyClient.open(streaming.url("portforward"), "portforward.k8s.io");
  for (const headers of [
    { streamType: "data", port: "0" },
    { streamType: "data", port: "65536" },
    { streamType: "data", port: "x" },
    { streamType: "data" },
    { streamType: "stdin", port: "80" },
  ]) {
    const stream = await client.make(headers);
    assert.equal(await text(stream.output), "");
    assert.equal(stream.reset, 5, JSON.stringify(headers));
  }
  const alone = await client.stream({ streamType: "data", port: "80", requestID: "9" });
  assert.equal(await text(alone.output), "");
  assert.equal(alone.reset, 5);
  assert.deepEqual(streaming.backend.asked, []);
  client.socket.destroy();
});

test("a client that resets a connection ends that one", async () => {
  await using streaming = await TestStreaming.start();
  const ended = Promise.withResolvers<boolean>();
  streaming.backend.forward = async (connection) => {
    connection.once("close", () => ended.resolve(connection.readableAborted));
    await ended.promise;
  };
  const client = await SpdyClient.open(streaming.url("portforward"), "portforward.k8s.io");
  const { data } = await pair(client, "80", "0");
  data.cancel();
  assert.equal(await ended.promise, true);
  client.socket.destroy();
});

for (const protocol of [undefined, "v4.channel.k8s.io", "v4.base64.channel.k8s.io"])
  test(`port-forward over WebSocket ${protocol ?? "without a protocol"}: two channels for every port`, async () => {
    await using streaming = await TestStreaming.start();
    streaming.backend.forward = async (connection, { port }) => {
      if (port === 65535) throw unavailable("connection refused");
      for await (const chunk of connection) {
        connection.write(`heard ${chunk}`);
        if (String(chunk).endsWith(".")) break;
      }
    };
    const client = await ChannelClient.open(streaming.url("portforward"), protocol);
    const said = [0, 1, 2, 3].map(async (channel) => Buffer.concat(await client.output(channel).toArray()).toString("latin1"));
    await client.send(0, "all.");
    assert.deepEqual(await Promise.all(said), [
      "P\0heard all.",
      "P\0",
      "\xff\xff",
      "\xff\xfferror forwarding port 65535 to pod p1: connection refused",
    ]);
    assert.equal(await client.closed, 1000);
    await streaming.untilQuiet();
  });

test("channels need ports", async () => {
  await using streaming = await TestStreaming.start();
  const url = streaming.url("portforward", { ports: [] });
  await assert.rejects(ChannelClient.open(url, "v4.channel.k8s.io"), /400/);
});
