import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { test } from "node:test";
import packet from "dns-packet";
import type { EndpointRecord } from "../sandbox-record.ts";
import { addressOfReverseName, answerQuery } from "./answer-query.ts";
import { Forwarder, hostUdpSocket } from "./forwarder.ts";
import { NameDirectory } from "./name-directory.ts";

function endpoint(networkName: string, dnsNames: string[], ipv4: string, links: string[] = [], ipv6?: string): EndpointRecord {
  return {
    id: `${networkName}-${ipv4}`,
    networkId: networkName,
    networkName,
    driver: "bridge",
    interfaceName: "eth0",
    macAddress: "",
    ipv4: { address: ipv4, prefixLength: 24 },
    ...(ipv6 === undefined ? {} : { ipv6: { address: ipv6, prefixLength: 64 } }),
    internal: false,
    ports: [],
    openings: [],
    priority: 0,
    disableResolver: false,
    genericParams: {},
    driverOptions: {},
    dnsNames,
    aliases: [],
    links,
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
  };
}

const query = (type: "A" | "AAAA" | "PTR" | "MX", name: string) =>
  packet.decode(packet.encode({ type: "query", id: 9, flags: packet.RECURSION_DESIRED, questions: [{ type, name }] }));

test("a name is known in the asker's networks only, as it is or with the network's name behind", () => {
  const names = new NameDirectory();
  const web = endpoint("front", ["web", "www"], "10.1.0.2");
  const own = [endpoint("front", ["me"], "10.1.0.3"), endpoint("back", ["me"], "10.2.0.3")];
  names.add(web);
  assert.deepEqual(names.lookup(own, "Web", 4), ["10.1.0.2"]);
  assert.deepEqual(names.lookup(own, "www.front", 4), ["10.1.0.2"]);
  assert.equal(names.lookup(own, "www.back", 4), undefined);
  assert.equal(names.lookup([endpoint("back", [], "10.2.0.9")], "web", 4), undefined);
  assert.deepEqual(names.lookup(own, "web", 6), [], "a known name without such an address");
  assert.equal(names.reverse(own, "10.1.0.2"), "web.front");
  names.remove(web);
  assert.equal(names.lookup(own, "web", 4), undefined);
  assert.equal(names.reverse(own, "10.1.0.2"), undefined);
});

test("a link is a name for its owner alone", () => {
  const names = new NameDirectory();
  names.add(endpoint("front", ["db"], "10.1.0.2"));
  assert.deepEqual(names.lookup([endpoint("front", [], "10.1.0.3", ["db:database"])], "database", 4), ["10.1.0.2"]);
  assert.equal(names.lookup([endpoint("front", [], "10.1.0.3")], "database", 4), undefined);
});

test("answers turn, carry id and question, and are authoritative", () => {
  const source = { lookup: () => ["10.0.0.1", "10.0.0.2"], reverse: () => "web.front" };
  const firsts = [0, 1, 2].map((turn) => {
    const answer = answerQuery(query("A", "pool"), source, turn);
    assert.equal(answer?.id, 9);
    assert.ok((answer?.flags ?? 0) & packet.AUTHORITATIVE_ANSWER);
    const first = answer?.answers?.[0];
    return first?.type === "A" ? first.data : undefined;
  });
  assert.deepEqual(firsts, ["10.0.0.1", "10.0.0.2", "10.0.0.1"]);
  assert.deepEqual(answerQuery(query("MX", "pool"), source, 0)?.answers, [], "no other records, and nobody outside is asked");
  const reverse = answerQuery(query("PTR", "2.0.0.10.in-addr.arpa"), source, 0)?.answers?.[0];
  assert.equal(reverse?.type === "PTR" ? reverse.data : "", "web.front");
  assert.equal(answerQuery(query("A", "x"), { lookup: () => undefined, reverse: () => undefined }, 0), undefined);
});

test("reverse names of both families are addresses", () => {
  assert.equal(addressOfReverseName("4.3.2.1.in-addr.arpa"), "1.2.3.4");
  assert.equal(addressOfReverseName(`${"1.".padEnd(64, "0.")}ip6.arpa`), "::1");
  assert.equal(addressOfReverseName("300.1.1.1.in-addr.arpa"), undefined);
  assert.equal(addressOfReverseName("example.org"), undefined);
});

test("a server that is silent or fails is passed over, an answer of the next one counts", async (t) => {
  const serve = async (reply: ((message: Buffer) => Buffer) | undefined) => {
    const socket = createSocket("udp4");
    socket.on("message", (message, from) => reply && socket.send(reply(message), from.port, from.address));
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    t.after(() => socket.close());
    return `127.0.0.1:${socket.address().port}`;
  };
  const silent = await serve(undefined);
  const failing = await serve((message) => packet.encode({ type: "response", id: message.readUInt16BE(0), flags: 2 }));
  const good = await serve((message) =>
    packet.encode({ type: "response", id: message.readUInt16BE(0), answers: [{ type: "A", name: "x", data: "192.0.2.5" }] }),
  );
  const forwarder = new Forwarder({ servers: [silent, failing, good], udpSocket: hostUdpSocket, timeoutMilliseconds: 80 });
  const asked = packet.encode({ type: "query", id: 3, questions: [{ type: "A", name: "x" }] });
  const answer = await forwarder.forward(asked, "udp");
  assert.ok(answer);
  assert.equal(packet.decode(answer).answers?.length, 1);
  const nobody = new Forwarder({ servers: [silent, failing], udpSocket: hostUdpSocket, timeoutMilliseconds: 80 });
  assert.equal(await nobody.forward(asked, "udp"), undefined);
});
