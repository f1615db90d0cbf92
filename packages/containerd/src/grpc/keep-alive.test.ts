import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { Content } from "../gen/content_pb.ts";
import { Version, VersionResponseSchema } from "../gen/version_pb.ts";
import { GrpcChannel } from "./channel.ts";
import { FakeGrpcServer, reply } from "./fake-grpc-server.ts";
import { frame } from "./frames.ts";
import { FreezingProxy } from "./freezing-proxy.ts";

const { version } = Version.method;
const silent = { kind: "unavailable", message: /does not answer/ };

test("a server that hangs ends every call, with a deadline or without, and what comes then fails too until it goes on", async () => {
  await using server = await FakeGrpcServer.start((stream, { ":path": path }) => {
    const answer = frame(toBinary(VersionResponseSchema, create(VersionResponseSchema, { version: "1.2.3" })));
    if (path?.endsWith("/Version")) reply(stream, [answer]);
  });
  await using proxy = await FreezingProxy.start(server.address);
  const channel = new GrpcChannel({
    address: proxy.address,
    defaultTimeoutMs: 60_000,
    maxMessageBytes: 1 << 20,
    keepAlive: { intervalMs: 20, timeoutMs: 500 },
    prepare: async ({ unary }) => void (await unary(version, {}, { timeoutMs: 500 })),
  });
  assert.equal((await channel.unary(version, {})).version, "1.2.3");
  const endless = channel.serverStream(Content.method.read, {}, { timeoutMs: Infinity });
  const both = channel.duplex(Content.method.write, { timeoutMs: Infinity });
  proxy.freeze();
  await Promise.all([
    assert.rejects(channel.unary(version, {}), silent),
    assert.rejects(endless.next(), silent),
    assert.rejects(both.answers.next(), silent),
  ]);
  for (let call = 0; call < 3; call++) {
    await assert.rejects(channel.unary(version, {}), silent);
    await assert.rejects(channel.serverStream(Content.method.read, {}, { timeoutMs: Infinity }).next(), silent);
  }
  proxy.thaw();
  assert.equal((await channel.unary(version, {})).version, "1.2.3");
  await channel.close();
});

test("a server that only says that it is there keeps its calls for as long as their deadline says, and gets no pings", async () => {
  let asked = 0;
  await using server = await FakeGrpcServer.start((stream, { ":path": path }) => {
    if (!path?.endsWith("/Version")) return;
    asked += 1;
    reply(stream, [frame(toBinary(VersionResponseSchema, create(VersionResponseSchema, { version: "1.2.3" })))]);
  });
  const channel = new GrpcChannel({
    address: server.address,
    defaultTimeoutMs: 60_000,
    maxMessageBytes: 1 << 20,
    keepAlive: { intervalMs: 5, timeoutMs: 400 },
  });
  await assert.rejects(channel.serverStream(Content.method.list, {}, { timeoutMs: 2000 }).next(), { kind: "deadlineExceeded" });
  assert.equal(server.connections, 1);
  assert.ok(asked > 5, `${asked} questions`);
  // A real server (grpc-go) ends the connection of a client that pings.
  assert.equal(server.pings, 0);
  await channel.close();
});

test("a list has the client's deadline: no stream waits for ever unless it was meant to", async () => {
  await using server = await FakeGrpcServer.start(() => undefined);
  const channel = new GrpcChannel({ address: server.address, defaultTimeoutMs: 50, maxMessageBytes: 1 << 20 });
  await assert.rejects(channel.serverStream(Content.method.list, {}).next(), { kind: "deadlineExceeded" });
  await channel.close();
});
