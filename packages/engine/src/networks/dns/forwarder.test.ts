import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import packet from "dns-packet";
import { framed, unframed } from "./framed-messages.ts";
import { Forwarder } from "./forwarder.ts";
import { parseNameServer } from "./name-server.ts";
import { PendingQueries } from "./pending-queries.ts";
import { hostSockets } from "./query-sockets.ts";

type Reply = (query: Buffer) => Buffer | undefined;

const silent: Reply = () => undefined;
const answers =
  (flags: number): Reply =>
  (query) =>
    packet.encode({ type: "response", id: query.readUInt16BE(0), flags });
const good: Reply = (query) =>
  packet.encode({ type: "response", id: query.readUInt16BE(0), answers: [{ type: "A", name: "x", data: "192.0.2.5" }] });
const wrongId: Reply = (query) => packet.encode({ type: "response", id: query.readUInt16BE(0) ^ 1 });
const noAnswer: Reply = (query) => query;

const query = packet.encode({ type: "query", id: 3, questions: [{ type: "A", name: "x" }] });
/** Refused by the kernel before anything is sent. */
const unreachable = ["255.255.255.255", "fd00:dead::1"];

/** A name server on the loopback for both transports; how often it was asked. */
async function server(t: TestContext, reply: Reply): Promise<{ address: string; asked: () => number }> {
  let asked = 0;
  const udp = createSocket("udp4");
  udp.on("message", (message, from) => {
    asked++;
    const answer = reply(message);
    if (answer) udp.send(answer, from.port, from.address);
  });
  const tcp = createServer((client) => {
    client.on("error", () => undefined);
    const serve = async () => {
      for await (const message of unframed(client, 65_535)) {
        asked++;
        const answer = reply(message);
        if (answer) client.write(framed(answer));
      }
    };
    serve().catch(() => undefined);
  });
  tcp.listen(0, "127.0.0.1");
  await once(tcp, "listening");
  const { port } = tcp.address() as AddressInfo;
  udp.bind(port, "127.0.0.1");
  await once(udp, "listening");
  t.after(() => {
    udp.close();
    tcp.close();
  });
  return { address: `127.0.0.1:${port}`, asked: () => asked };
}

const forwarder = (servers: string[], pending = new PendingQueries(16), timeoutMilliseconds = 1000) =>
  new Forwarder({ servers, sockets: hostSockets, pending, timeoutMilliseconds });

for (const transport of ["udp", "tcp"] as const) {
  test(`over ${transport} a server that is silent, fails or cannot be reached is passed over`, async (t) => {
    const ok = await server(t, good);
    const others = [silent, answers(2), answers(5), wrongId, noAnswer].map((reply) => server(t, reply));
    for (const other of [...unreachable, "127.0.0.1:1", ...(await Promise.all(others)).map(({ address }) => address)]) {
      const answer = await forwarder([other, ok.address]).forward(query, transport, {});
      assert.ok(answer, `nothing came after ${other}`);
      assert.equal(packet.decode(answer).answers?.length, 1, other);
    }
  });

  test(`over ${transport} the last failure is passed on when nobody did better, nothing when nobody answered`, async (t) => {
    const [failing, refusing, mute] = [await server(t, answers(2)), await server(t, answers(5)), await server(t, silent)];
    const last = await forwarder([failing.address, refusing.address]).forward(query, transport, {});
    assert.equal((last?.[3] ?? 0) & 15, 5);
    assert.equal(((await forwarder([failing.address, mute.address]).forward(query, transport, {}))?.[3] ?? 0) & 15, 2);
    assert.equal(await forwarder([mute.address]).forward(query, transport, {}), undefined);
    assert.equal(await forwarder([]).forward(query, transport, {}), undefined);
    assert.equal(await forwarder(unreachable).forward(query, transport, {}), undefined);
  });

  test(`over ${transport} what is given up while it waits ends at once, and asks no further server`, async (t) => {
    const [mute, next] = [await server(t, silent), await server(t, good)];
    const [pending, owner] = [new PendingQueries(16), {}];
    const waiting = forwarder([mute.address, next.address], pending, 3_600_000).forward(query, transport, owner);
    while (mute.asked() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    pending.giveUp(owner);
    assert.equal(await waiting, undefined);
    assert.equal(next.asked(), 0);
  });
}

test("there is no place to ask from: nobody is asked, and nothing is thrown", async () => {
  const gone = () => {
    throw new Error("ENOENT: no such namespace");
  };
  const lost = new Forwarder({ servers: ["127.0.0.1"], sockets: { udp: gone, tcp: gone }, pending: new PendingQueries(1) });
  assert.equal(await lost.forward(query, "udp", {}), undefined);
  assert.equal(await lost.forward(query, "tcp", {}), undefined);
});

test("three servers are asked, as Docker asks; what is no address is none of them", async (t) => {
  const ok = await server(t, good);
  const failing = await server(t, answers(2));
  const ask = (servers: string[]) => forwarder(servers).forward(query, "udp", {});
  assert.equal(((await ask([...Array<string>(3).fill(failing.address), ok.address]))?.[3] ?? 0) & 15, 2);
  assert.equal(((await ask(["foo", "1.2.3.4:99999", "", failing.address, failing.address, ok.address]))?.[3] ?? 0) & 15, 0);
});

test("servers are addresses, with a port where they have one of their own", () => {
  assert.deepEqual(parseNameServer("9.9.9.9"), { address: "9.9.9.9", port: 53 });
  assert.deepEqual(parseNameServer("9.9.9.9:5353"), { address: "9.9.9.9", port: 5353 });
  assert.deepEqual(parseNameServer("[::1]:5353"), { address: "::1", port: 5353 });
  assert.deepEqual(parseNameServer("fd00::1"), { address: "fd00::1", port: 53 });
  assert.deepEqual(parseNameServer("fe80::1%eth0"), { address: "fe80::1%eth0", port: 53 });
  for (const bad of [
    "",
    "foo",
    "foo:53",
    "1.2.3.4:0",
    "1.2.3.4:99999",
    "1.2.3.4:",
    "1.2.3",
    "01.2.3.4",
    "[::1]",
    "::1]:53",
    "1.2.3.4 ",
  ])
    assert.equal(parseNameServer(bad), undefined, bad);
});
