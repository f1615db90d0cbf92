import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { constants } from "node:http2";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import {
  Content,
  ReadContentResponseSchema,
  WriteAction,
  WriteContentRequestSchema,
  WriteContentResponseSchema,
} from "../gen/content_pb.ts";
import { Version, VersionResponseSchema } from "../gen/version_pb.ts";
import type { ChannelOptions } from "./channel.ts";
import { GrpcChannel } from "./channel.ts";
import type { FakeHandler } from "./fake-grpc-server.ts";
import { FakeGrpcServer, reply } from "./fake-grpc-server.ts";
import { FrameReader, frame } from "./frames.ts";

const version = Version.method.version;

function framed<T extends DescMessage>(schema: T, init: MessageInitShape<T>): Buffer {
  return frame(toBinary(schema, create(schema, init)));
}

const answerVersion: FakeHandler = (stream) => reply(stream, [framed(VersionResponseSchema, { version: "1.2.3" })]);

async function withServer(
  handler: FakeHandler,
  body: (channel: GrpcChannel, server: FakeGrpcServer) => Promise<void>,
  options: Partial<ChannelOptions> = {},
) {
  const server = await FakeGrpcServer.start(handler);
  const channel = new GrpcChannel({ address: server.address, defaultTimeoutMs: 5000, maxMessageBytes: 1 << 20, ...options });
  try {
    await body(channel, server);
  } finally {
    await channel.close();
    await server[Symbol.asyncDispose]();
  }
}

test("a unary call carries path, metadata and deadline, and returns the message", async () => {
  let seen: IncomingHttpHeaders = {};
  await withServer(
    (stream, headers) => {
      seen = headers;
      answerVersion(stream, headers);
    },
    async (channel) => {
      const answer = await channel.unary(version, {}, { headers: { "containerd-lease": "l1" }, timeoutMs: 1500 });
      assert.equal(answer.version, "1.2.3");
    },
    { headers: { "containerd-namespace": "pouch" } },
  );
  assert.equal(seen[":path"], "/containerd.services.version.v1.Version/Version");
  assert.equal(seen["containerd-namespace"], "pouch");
  assert.equal(seen["containerd-lease"], "l1");
  assert.equal(seen["grpc-timeout"], "1500m");
  assert.equal(seen["te"], "trailers");
});

test("an answer that arrives byte by byte is put together", async () => {
  const wire = framed(VersionResponseSchema, { version: "1.2.3" });
  await withServer(
    (stream) =>
      reply(
        stream,
        [...wire].map((byte) => Buffer.from([byte])),
      ),
    async (channel) => assert.equal((await channel.unary(version, {})).version, "1.2.3"),
  );
});

test("an error status becomes a kind with the server's decoded message", async () => {
  await withServer(
    (stream) => reply(stream, [], { "grpc-status": "5", "grpc-message": "container %22w%C3%A9b%22: not found" }),
    async (channel) => {
      await assert.rejects(channel.unary(version, {}), { kind: "notFound", message: 'container "wéb": not found' });
    },
  );
});

test("a status in the headers alone (trailers-only) is an error too", async () => {
  await withServer(
    (stream) =>
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "grpc-status": "12", "grpc-message": "unknown service" },
        { endStream: true },
      ),
    async (channel) => {
      await assert.rejects(channel.unary(version, {}), { kind: "notImplemented", message: "unknown service" });
    },
  );
});

test("success without a message is an error", async () => {
  await withServer(
    (stream) => reply(stream, []),
    async (channel) => {
      await assert.rejects(channel.unary(version, {}), { kind: "internal" });
    },
  );
});

test("success in the middle of a message is an error", async () => {
  await withServer(
    (stream) => reply(stream, [framed(VersionResponseSchema, { version: "1.2.3" }).subarray(0, 7)]),
    async (channel) => {
      await assert.rejects(channel.unary(version, {}), { kind: "internal", message: /middle of a message/ });
    },
  );
});

test("an HTTP error says that this is not containerd", async () => {
  await withServer(
    (stream) => stream.respond({ ":status": 502 }, { endStream: true }),
    async (channel) => {
      await assert.rejects(channel.unary(version, {}), { kind: "internal", message: /HTTP status 502/ });
    },
  );
});

test("a message over the limit ends the call as exhausted", async () => {
  await withServer(
    (stream) => reply(stream, [framed(VersionResponseSchema, { version: "x".repeat(2000) })]),
    async (channel) => {
      await assert.rejects(channel.unary(version, {}), { kind: "resourceExhausted" });
    },
    { maxMessageBytes: 1000 },
  );
});

test("a call that is not answered ends at its deadline, and the server sees it cancelled", async () => {
  const cancelled: number[] = [];
  const heard = new EventEmitter();
  await withServer(
    (stream) => {
      heard.emit("call");
      stream.once("close", () => {
        cancelled.push(stream.rstCode ?? -1);
        heard.emit("cancelled");
      });
    },
    async (channel) => {
      // Connecting may take longer than the deadline: a call that is given up as soon as the server has it does that.
      const abort = new AbortController();
      heard.once("call", () => abort.abort());
      const first = once(heard, "cancelled");
      await assert.rejects(channel.unary(version, {}, { signal: abort.signal }), { kind: "cancelled" });
      await first;
      const second = once(heard, "cancelled");
      await assert.rejects(channel.unary(version, {}, { timeoutMs: 30 }), {
        kind: "deadlineExceeded",
        message: /Version\/Version within 30 ms/,
      });
      await second;
      assert.deepEqual(cancelled, [constants.NGHTTP2_CANCEL, constants.NGHTTP2_CANCEL]);
    },
  );
});

test("an abort ends the call at once, before and after it was sent", async () => {
  await withServer(
    () => undefined,
    async (channel) => {
      await assert.rejects(channel.unary(version, {}, { signal: AbortSignal.abort() }), { kind: "cancelled" });
      const abort = new AbortController();
      const call = channel.unary(version, {}, { signal: abort.signal });
      setTimeout(() => abort.abort(), 10);
      await assert.rejects(call, { kind: "cancelled" });
    },
  );
});

test("a socket that is not there is unavailable, and the message names it", async () => {
  const channel = new GrpcChannel({ address: "/nonexistent/containerd.sock", defaultTimeoutMs: 1000, maxMessageBytes: 1024 });
  await assert.rejects(channel.unary(version, {}), { kind: "unavailable", message: /\/nonexistent\/containerd\.sock/ });
  await assert.rejects(async () => Array.fromAsync(channel.serverStream(Content.method.read, {})), { kind: "unavailable" });
  const call = channel.duplex(Content.method.write);
  await call.send({ action: WriteAction.STAT });
  await assert.rejects(call.answers.next(), { kind: "unavailable" });
  await channel.close();
});

test("when the server goes, calls in flight are unavailable; when it is back, the next call connects anew", async () => {
  let silent = true;
  await withServer(
    (stream, headers) => {
      if (!silent) answerVersion(stream, headers);
    },
    async (channel, server) => {
      const lost = assert.rejects(channel.unary(version, {}), { kind: "unavailable", message: new RegExp(server.address) });
      while (server.connections === 0) await turn();
      await server.kill();
      await lost;
      await assert.rejects(channel.unary(version, {}), { kind: "unavailable" });
      silent = false;
      await server.listen();
      assert.equal((await channel.unary(version, {})).version, "1.2.3");
      assert.equal(server.connections, 2);
    },
  );
});

test("a connection that was closed gracefully is not used again", async () => {
  let goAway = true;
  await withServer(
    (stream, headers) => {
      answerVersion(stream, headers);
      if (goAway) stream.session?.close();
      goAway = false;
    },
    async (channel, server) => {
      await channel.unary(version, {});
      await channel.unary(version, {});
      assert.equal(server.connections, 2);
    },
  );
});

test("every new connection is prepared before the first call uses it", async () => {
  const paths: string[] = [];
  await withServer(
    (stream, headers) => {
      paths.push(String(headers["x-step"]));
      answerVersion(stream, headers);
    },
    async (channel) => {
      await Promise.all([
        channel.unary(version, {}, { headers: { "x-step": "call" } }),
        channel.unary(version, {}, { headers: { "x-step": "call" } }),
      ]);
    },
    { prepare: async ({ unary }) => void (await unary(version, {}, { headers: { "x-step": "prepare" } })) },
  );
  assert.deepEqual(paths, ["prepare", "call", "call"]);
});

test("a failed preparation fails the call and is tried again with the next one", async () => {
  let failures = 1;
  await withServer(
    (stream, headers) => {
      if (failures-- > 0) reply(stream, [], { "grpc-status": "7", "grpc-message": "not yet" });
      else answerVersion(stream, headers);
    },
    async (channel) => {
      await assert.rejects(channel.unary(version, {}), { kind: "forbidden", message: "not yet" });
      assert.equal((await channel.unary(version, {})).version, "1.2.3");
    },
    { prepare: async (connection) => void (await connection.unary(version, {})) },
  );
});

test("a server stream yields its messages in order and then the error it ended with", async () => {
  const chunks = Array.from({ length: 50 }, (_, index) => framed(ReadContentResponseSchema, { offset: BigInt(index) }));
  await withServer(
    (stream) => reply(stream, chunks, { "grpc-status": "14", "grpc-message": "going" }),
    async (channel) => {
      const offsets: number[] = [];
      const read = async () => {
        for await (const { offset } of channel.serverStream(Content.method.read, {})) offsets.push(Number(offset));
      };
      await assert.rejects(read(), { kind: "unavailable", message: "going" });
      assert.deepEqual(
        offsets,
        Array.from({ length: 50 }, (_, index) => index),
      );
    },
  );
});

test("a stream that nobody reads holds the server back instead of filling memory", async () => {
  let sent = 0;
  const full = Promise.withResolvers<void>();
  const chunk = framed(ReadContentResponseSchema, { data: new Uint8Array(512 << 10) });
  const endless: FakeHandler = (stream) => {
    stream.respond({ ":status": 200 });
    const more = () => {
      do sent += 1;
      while (stream.write(chunk) && sent < 1000);
      setTimeout(() => stream.writableNeedDrain && full.resolve(), 200);
    };
    stream.on("drain", more);
    more();
  };
  await withServer(endless, async (channel) => {
    const stream = channel.serverStream(Content.method.read, {});
    await stream.next();
    await full.promise;
    assert.ok(sent < 100, `the server could send ${sent} messages of 512 KiB`);
    for (let read = 0; read < 150; read += 1) assert.equal((await stream.next()).done, false);
    await stream.return();
  });
});

test("leaving the loop early cancels the call", async () => {
  const cancelled = Promise.withResolvers<number>();
  await withServer(
    (stream) => {
      stream.respond({ ":status": 200 });
      stream.write(framed(ReadContentResponseSchema, { offset: 1n }));
      stream.once("close", () => cancelled.resolve(stream.rstCode ?? -1));
    },
    async (channel) => {
      for await (const _ of channel.serverStream(Content.method.read, {})) break;
      assert.equal(await cancelled.promise, constants.NGHTTP2_CANCEL);
    },
  );
});

test("both sides of a duplex call speak in turn, and bytes given in pieces arrive as one field", async () => {
  await withServer(
    (stream) => void echoOffsets(stream),
    async (channel) => {
      const call = channel.duplex(Content.method.write);
      await call.send({ action: WriteAction.STAT, ref: "r" });
      assert.equal((await call.answers.next()).value?.action, WriteAction.STAT);
      await call.sendWithBytes({ action: WriteAction.WRITE }, 6, [Buffer.alloc(300, 1), Buffer.alloc(200_000, 2)]);
      assert.equal((await call.answers.next()).value?.offset, 200_300n);
      call.end();
      assert.equal((await call.answers.next()).done, true);
    },
  );
});

async function echoOffsets(stream: ServerHttp2Stream): Promise<void> {
  const reader = new FrameReader(1 << 20);
  stream.respond({ ":status": 200 }, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.on("data", (chunk: Buffer) => {
    for (const bytes of reader.push(chunk)) {
      const { action, data } = fromBinary(WriteContentRequestSchema, bytes);
      stream.write(framed(WriteContentResponseSchema, { action, offset: BigInt(data.length) }));
    }
  });
  await once(stream, "end");
  stream.end();
}
