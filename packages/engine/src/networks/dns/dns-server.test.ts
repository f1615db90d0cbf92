import { Libc } from "@pouchcontainer/linux";
import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import packet from "dns-packet";
import { bindSocket, portOf } from "../ports/host-sockets.ts";
import { DnsServer, type DnsServerOptions } from "./dns-server.ts";
import { framed, unframed } from "./framed-messages.ts";
import { Forwarder } from "./forwarder.ts";
import { PendingQueries } from "./pending-queries.ts";
import { hostSockets } from "./query-sockets.ts";
import { TcpClients } from "./tcp-clients.ts";

const names = {
  lookup: (name: string) => (name === "web" ? ["10.0.0.2"] : undefined),
  reverse: () => undefined,
};
const ask = (name: string, id = 7) => packet.encode({ type: "query", id, flags: 256, questions: [{ type: "A", name }] });

function listening(): { udp: number; tcp: number; udpPort: number; tcpPort: number } {
  const libc = Libc.load();
  assert.ok(libc);
  const [udp = -1, tcp = -1] = [bindSocket(libc, "udp", "127.0.0.1", 0), bindSocket(libc, "tcp", "127.0.0.1", 0)];
  return { udp, tcp, udpPort: portOf(libc, udp), tcpPort: portOf(libc, tcp) };
}

function serve(t: TestContext, options: Partial<DnsServerOptions> = {}, pending = new PendingQueries(64)) {
  const { udp, tcp, udpPort, tcpPort } = listening();
  const server = new DnsServer({ sockets: { udp, tcp }, pending }, { names, ...options });
  t.after(() => server.close());
  return { server, udpPort, tcpPort };
}

async function client(t: TestContext, port: number): Promise<UdpSocket> {
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  socket.connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

async function answerTo(socket: UdpSocket, query: Buffer): Promise<packet.DecodedPacket> {
  for (;;) {
    socket.send(query);
    const [message] = (await once(socket, "message")) as [Buffer];
    if (message.readUInt16BE(0) === query.readUInt16BE(0)) return packet.decode(message);
  }
}

function tcpClient(t: TestContext, port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  t.after(() => socket.destroy());
  return socket;
}

/** However it ends: hung up on, or reset. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

async function firstMessage(socket: Socket): Promise<packet.DecodedPacket> {
  for await (const message of unframed(socket, 65_535)) return packet.decode(message);
  throw new Error("hung up on");
}

test("ten thousand packets of every kind over UDP, and the next query is answered", async (t) => {
  const { udpPort } = serve(t);
  const socket = await client(t, udpPort);
  for (let round = 0; round < 10_000; round++) {
    const junk = round % 2 === 0 ? randomBytes(randomInt(0, 200)) : ask("web");
    if (junk.length > 0 && round % 2 === 1) junk[randomInt(0, junk.length)] = randomInt(0, 256);
    await new Promise((resolve) => socket.send(junk, resolve));
  }
  const answer = await answerTo(socket, ask("web", 0xfff0));
  assert.deepEqual(
    answer.answers?.map((record) => (record.type === "A" ? record.data : "")),
    ["10.0.0.2"],
  );
});

test("streams of every kind over TCP, and the next query is answered", async (t) => {
  const { tcpPort } = serve(t);
  for (let round = 0; round < 60; round++) {
    const socket = tcpClient(t, tcpPort);
    socket.resume();
    socket.end(
      round % 2 === 0 ? randomBytes(randomInt(1, 70_000)) : framed(ask("web")).fill(randomInt(0, 256), randomInt(0, 19)),
    );
    if (round % 3 === 0) socket.destroy();
    else await closed(socket);
  }
  const socket = tcpClient(t, tcpPort);
  socket.write(Buffer.concat([framed(ask("web", 1)), framed(ask("web", 2))]));
  assert.equal((await firstMessage(socket)).answers?.length, 1);
});

test("a TCP client that only closes its own half gets its answers first, in the order it asked", async (t) => {
  const { tcpPort } = serve(t);
  const socket = tcpClient(t, tcpPort);
  socket.end(Buffer.concat([1, 2, 3].map((id) => framed(ask("web", id)))));
  const ids: (number | undefined)[] = [];
  for await (const message of unframed(socket, 65_535)) ids.push(packet.decode(message).id);
  assert.deepEqual(ids, [1, 2, 3]);
});

test("a client that sends a query forever, or announces an endless one, is hung up on", async (t) => {
  const { tcp, tcpPort } = listening();
  const clients = new TcpClients(tcp, { answer: (query) => Promise.resolve(query), patienceMilliseconds: 300 });
  t.after(() => clients.close());
  const endless = tcpClient(t, tcpPort);
  endless.resume();
  endless.write(Buffer.from([0xff, 0xff]));
  await closed(endless);
  const slow = tcpClient(t, tcpPort);
  slow.resume();
  const drip = setInterval(() => slow.write(Buffer.from([1])), 20);
  await closed(slow);
  clearInterval(drip);
});

test("a client that asks and does not read holds one answer of ours besides what the kernel has taken", async (t) => {
  const { tcp, tcpPort } = listening();
  let answered = 0;
  const answer = () => Promise.resolve(Buffer.alloc(60_000, ++answered));
  const clients = new TcpClients(tcp, { answer });
  t.after(() => clients.close());
  const deaf = tcpClient(t, tcpPort);
  deaf.pause();
  deaf.end(Buffer.concat(Array.from({ length: 1_000 }, () => framed(ask("web")))));
  for (let before = -1; before !== answered; await new Promise((resolve) => setTimeout(resolve, 300))) before = answered;
  // The kernel's buffers grow to a few megabytes; all answers would be 60.
  assert.ok(answered > 0 && answered < 500, `${answered} answers were made for a client that read none`);
  deaf.resume();
  await closed(deaf);
  assert.equal(answered, 1_000);
});

test("clients that never pause, whose answers are known at once, leave the event loop to others", async (t) => {
  const { tcp, tcpPort } = listening();
  const answer = (query: Buffer): Promise<Buffer> => {
    const end = performance.now() + 1;
    while (performance.now() < end);
    return Promise.resolve(query);
  };
  const clients = new TcpClients(tcp, { answer });
  t.after(() => clients.close());
  let turns = 0;
  let over = false;
  const count = (): void => {
    turns++;
    if (!over) setImmediate(count);
  };
  const queries = Buffer.concat(Array.from({ length: 50 }, () => framed(ask("web"))));
  const sockets = Array.from({ length: 4 }, () => tcpClient(t, tcpPort));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  setImmediate(count);
  await Promise.all(sockets.map((socket) => (socket.resume(), socket.end(queries), closed(socket))));
  over = true;
  // 200 ms of answering, in shares of 5 ms.
  assert.ok(turns >= 25, `${turns} turns`);
});

test("the server ends while queries wait for a silent server, over both transports", async (t) => {
  const mute = createSocket("udp4");
  mute.bind(0, "127.0.0.1");
  await once(mute, "listening");
  t.after(() => mute.close());
  const pending = new PendingQueries(64);
  const servers = Array<string>(2).fill(`127.0.0.1:${mute.address().port}`);
  const forwarder = new Forwarder({ servers, sockets: hostSockets, pending, timeoutMilliseconds: 3_600_000 });
  const { server, udpPort, tcpPort } = serve(t, { forwarder }, pending);
  const socket = await client(t, udpPort);
  socket.on("error", () => undefined); // Nobody serves the port any more.
  for (let id = 0; id < 20; id++) socket.send(ask("outside.example", id));
  await once(mute, "message");
  const stream = tcpClient(t, tcpPort);
  stream.write(framed(ask("outside.example")));
  await once(stream, "connect");
  server.close();
  server.close();
  await closed(stream);
});

test("where the container chose its dots, a name without one is not asked of the outside", async (t) => {
  const { udpPort } = serve(t, { dottedOnly: true });
  const socket = await client(t, udpPort);
  const code = async (name: string) => ((await answerTo(socket, ask(name))).flags ?? 0) & 15;
  assert.equal(await code("short"), 0);
  assert.equal(await code("has.dot"), 2, "there is no server to ask");
});
