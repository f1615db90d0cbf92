import assert from "node:assert/strict";
import { test } from "node:test";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { DatagramSocket } from "./datagram-socket.ts";

async function echo(): Promise<{ port: number } & Disposable> {
  const socket = createSocket("udp4", (message, from) => socket.send(message, from.port, from.address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { port: socket.address().port, [Symbol.dispose]: () => socket.close() };
}

function ask(options: { family?: 4 | 6; connectTo?: { address: string; port: number } }) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const onMessage = (message: Buffer): void => resolve(message.toString());
  return { socket: new DatagramSocket({ family: 4, ...options, onMessage, onError: reject }), answer: promise };
}

test("messages go to the peer of the connection or to one that is named, and their answers come back", async () => {
  using server = await echo();
  const peer = { address: "127.0.0.1", port: server.port };
  const connected = ask({ connectTo: peer });
  connected.socket.send(Buffer.from("early"));
  assert.equal(await connected.answer, "early");
  connected.socket.close();
  const free = ask({});
  free.socket.send(Buffer.from("named"), peer);
  assert.equal(await free.answer, "named");
  free.socket.close();
});

test("whatever Node throws, emits or hands to a callback is told to onError", async () => {
  const failing: Parameters<typeof ask>[0][] = [
    { connectTo: { address: "127.0.0.1", port: 99_999 } },
    { connectTo: { address: "127.0.0.1", port: 0 } },
    { connectTo: { address: "255.255.255.255", port: 53 } },
    { connectTo: { address: "fd00::1", port: 53 }, family: 4 },
    // A port nobody serves: the kernel tells a connected socket.
    { connectTo: { address: "127.0.0.1", port: 1 } },
  ];
  for (const options of failing) {
    const { socket, answer } = ask(options);
    socket.send(Buffer.from("x"));
    await assert.rejects(answer, Error, JSON.stringify(options));
    socket.close();
  }
  const { socket, answer } = ask({});
  socket.send(Buffer.from("x"), { address: "127.0.0.1", port: 70_000 });
  await assert.rejects(answer, { code: "ERR_SOCKET_BAD_PORT" });
  socket.close();
});

test("a closed socket does nothing any more: no throw, no message, no error", async () => {
  const told: unknown[] = [];
  const tell = (value: unknown): void => void told.push(value);
  const socket = new DatagramSocket({
    family: 4,
    connectTo: { address: "127.0.0.1", port: 1 },
    onMessage: tell,
    onError: tell,
  });
  socket.send(Buffer.from("x"));
  socket.close();
  socket.close();
  socket.send(Buffer.from("x"));
  socket.send(Buffer.from("x"), { address: "127.0.0.1", port: 70_000 });
  await sleep(20);
  assert.deepEqual(told, []);
});

test("a descriptor that is no socket is told, not thrown", async () => {
  const { promise, resolve } = Promise.withResolvers<Error>();
  const socket = new DatagramSocket({ family: 4, fd: 9999, onMessage: () => undefined, onError: resolve });
  assert.ok((await promise) instanceof Error);
  socket.close();
});
