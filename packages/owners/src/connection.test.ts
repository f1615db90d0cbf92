import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { test } from "node:test";
import { joinConnections, openConnection } from "./connection.ts";

/** A listening server that hands out its first connection. */
async function listening(): Promise<{ port: number; first: Promise<Socket> } & Disposable> {
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true }, resolve).listen(0, "127.0.0.1");
  await once(server, "listening");
  // Listening on a port.
  const { port } = server.address() as AddressInfo;
  return { port, first: promise, [Symbol.dispose]: () => void server.close() };
}

/** What comes until the other side ends; its own direction stays open. */
async function textOf(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(socket, "end");
  return text;
}

test("a connection that cannot be made rejects: nobody there, no such port, cancelled", async () => {
  const options = { timeoutMs: 5000 };
  await assert.rejects(openConnection({ host: "127.0.0.1", port: 1 }, options), { code: "ECONNREFUSED" });
  await assert.rejects(openConnection({ host: "127.0.0.1", port: 99_999 }, options), { code: "ERR_SOCKET_BAD_PORT" });
  await assert.rejects(openConnection({ path: "/nonexistent" }, options), { code: "ENOENT" });
  const signal = AbortSignal.abort(new Error("not wanted"));
  await assert.rejects(openConnection({ path: "/nonexistent" }, { ...options, signal }), { message: "not wanted" });
});

test("an open connection that breaks is destroyed and hurts nobody", async () => {
  using server = await listening();
  const socket = await openConnection({ host: "127.0.0.1", port: server.port }, { timeoutMs: 5000 });
  const other = await server.first;
  other.resetAndDestroy();
  await new Promise((resolve) => socket.once("close", resolve));
  assert.ok(socket.destroyed);
});

test("joined connections pass bytes and ends in both directions, each end by itself", async () => {
  using front = await listening();
  using back = await listening();
  const client = connect({ host: "127.0.0.1", port: front.port, allowHalfOpen: true });
  const accepted = await front.first;
  const upstream = await openConnection({ host: "127.0.0.1", port: back.port }, { timeoutMs: 5000 });
  const joined = joinConnections(accepted, upstream);
  const served = await back.first;
  client.end("question");
  assert.equal(await textOf(served), "question");
  served.end("answer after the end of the question");
  assert.equal(await textOf(client), "answer after the end of the question");
  await joined;
});

test("a side that breaks takes the other with it", async () => {
  using front = await listening();
  using back = await listening();
  const client = connect({ host: "127.0.0.1", port: front.port });
  client.on("error", () => undefined);
  const accepted = await front.first;
  const upstream = await openConnection({ host: "127.0.0.1", port: back.port }, { timeoutMs: 5000 });
  const joined = joinConnections(accepted, upstream);
  (await back.first).resetAndDestroy();
  await joined;
  assert.ok(accepted.destroyed && upstream.destroyed);
  if (!client.destroyed) await once(client, "close");
});
