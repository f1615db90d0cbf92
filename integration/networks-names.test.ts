import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import packet from "dns-packet";
import type { NetworksConfig } from "../packages/engine/src/networks/network-config.ts";
import { parseResolvConf } from "../packages/engine/src/networks/files/resolv-conf.ts";
import { freeSubnet } from "./harness/free-subnet.ts";
import { NetworksWorld } from "./networks-world.ts";

async function world(t: TestContext, config: Partial<NetworksConfig> = {}): Promise<NetworksWorld> {
  const made = await new NetworksWorld(config).open();
  t.after(async () => assert.deepEqual(await made.destroy(), [], "something of the networks is left on the machine"));
  await made.networks.ready;
  return made;
}

test("containers of a user-defined network find each other by name, alias, short id and with the network's name behind", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "front", EnableIPv6: true });
  const web = await w.start("web", { networkMode: "front", endpoints: { front: { Aliases: ["www", "shop"] } } });
  const client = await w.start("client", { networkMode: "front", endpoints: { front: { Links: ["web:upstream"] } } });
  const both = [w.endpoint(web, "front").GlobalIPv6Address, w.address(web, "front")].sort();
  for (const name of ["web", "WEB", "www", "shop", web.id.slice(0, 12), web.hostname, "web.front", "upstream"]) {
    assert.deepEqual((await w.resolve(client, name)).sort(), both, name);
  }
  assert.deepEqual(await w.resolve(web, "upstream"), [], "a link is the linking container's alone");
  assert.equal(
    w.file(client, "resolv.conf"),
    "nameserver 127.0.0.11\noptions ndots:0\n".replace("options", `${searchOfHost()}options`),
  );
  const reverse = await w.exec(client, "busybox", "nslookup", w.address(web, "front"), "127.0.0.11");
  assert.match(reverse, /name = web\.front/);
});

test("names follow containers as they come, go, connect and are renamed", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "front" });
  const client = await w.start("client", { networkMode: "front" });
  assert.deepEqual(await w.resolve(client, "web"), []);
  const web = await w.start("web", { networkMode: "front" });
  assert.deepEqual(await w.resolve(client, "web"), [w.address(web, "front")]);
  await w.networks.sandboxes.rename(web.id, "site");
  assert.deepEqual(await w.resolve(client, "web"), []);
  assert.deepEqual(await w.resolve(client, "site"), [w.address(web, "front")]);
  await w.stop(web);
  assert.deepEqual(await w.resolve(client, "site"), []);

  const late = await w.start("late");
  assert.doesNotMatch(w.file(late, "resolv.conf"), /127\.0\.0\.11/, "the default bridge has no names");
  await w.networks.manager.connect("front", { Container: "late", EndpointConfig: { Aliases: ["latecomer"] } });
  assert.match(w.file(late, "resolv.conf"), /^nameserver 127\.0\.0\.11$/m);
  assert.deepEqual(await w.resolve(client, "latecomer"), [w.address(late, "front")]);
  assert.deepEqual(await w.resolve(late, "client"), [w.address(client, "front")]);
});

test("a container of the default bridge that was renamed gets the names of the network it joins, and none before", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "front" });
  const client = await w.start("client", { networkMode: "front" });
  const plain = await w.start("plain");
  plain.name = "renamed";
  await w.networks.sandboxes.rename(plain.id, "renamed");
  await w.networks.manager.connect("front", { Container: "renamed" });
  assert.match(w.file(plain, "resolv.conf"), /^nameserver 127\.0\.0\.11$/m);
  assert.deepEqual(await w.resolve(plain, "client"), [w.address(client, "front")]);
  assert.deepEqual(await w.resolve(client, "renamed"), [w.address(plain, "front")]);
});

test("a hosts file that its container has blown up costs the daemon nothing, and keeps nobody from a network", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "front", IPAM: { Config: [{ Subnet: `${freeSubnet().prefix}0/29` }] } });
  const hostile = await w.start("hostile");
  const hosts = join(hostile.filesDirectory, "hosts");
  const blowUps: [string, () => void][] = [
    ["lines", () => writeFileSync(hosts, "\n".repeat(50 << 20))],
    ["a hole", () => truncateSync(hosts, 3 * 2 ** 30)],
  ];
  for (const [what, blowUp] of blowUps) {
    blowUp();
    const { size } = statSync(hosts);
    await w.networks.manager.connect("front", { Container: "hostile" });
    assert.match(w.warnings.at(-1) ?? "", /hostile: its \/etc\/hosts has grown/);
    await w.networks.manager.disconnect("front", { Container: "hostile" });
    assert.equal(statSync(hosts).size, size, what);
  }
  assert.equal(w.warnings.splice(0).length, 4);
});

test("a byte that is no text stays what it was in a hosts file that is brought up to date", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "front" });
  const odd = await w.start("odd");
  const hosts = join(odd.filesDirectory, "hosts");
  const own = Buffer.from("192.0.2.7\tcaf\u00e9\n", "latin1");
  appendFileSync(hosts, own);
  await w.networks.manager.connect("front", { Container: "odd" });
  const content = readFileSync(hosts);
  assert.ok(content.includes(own));
  assert.ok(content.includes(w.address(odd, "front")));
});

test("containers of one alias are answered in turn", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "front" });
  const settings = { networkMode: "front", endpoints: { front: { Aliases: ["pool"] } } };
  for (const name of ["one", "two", "three"]) await w.start(name, settings);
  const client = await w.start("client", { networkMode: "front" });
  const firsts = new Set<string>();
  for (let turn = 0; turn < 6; turn++) {
    const addresses = await w.resolve(client, "pool");
    assert.equal(addresses.length, 3);
    firsts.add(addresses[0] ?? "");
  }
  assert.equal(firsts.size, 3);
});

test("other names are asked of the servers in their order, over UDP and TCP; a dead one costs its time only", async (t) => {
  const upstream = await fakeServer(t, { "outside.example": "192.0.2.80" });
  const w = await world(t, { dns: { nameservers: ["127.0.0.254:1", `127.0.0.1:${upstream}`], search: [], options: [] } });
  await w.networks.manager.create({ Name: "front" });
  await w.networks.manager.create({ Name: "vault", Internal: true });
  const client = await w.start("client", { networkMode: "front" });
  assert.deepEqual(await w.resolve(client, "outside.example"), ["192.0.2.80"]);
  assert.deepEqual(await w.resolve(client, "unknown.example"), []);
  assert.equal(await askOverTcp(w, client, "outside.example"), "192.0.2.80");
  const locked = await w.start("locked", { networkMode: "vault" });
  assert.deepEqual(await w.resolve(locked, "outside.example"), [], "an internal network asks nobody outside");
});

test("a container may run a name server on every address itself", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "front" });
  const client = await w.start("client", { networkMode: "front" });
  const web = await w.start("web", { networkMode: "front" });
  w.serve(client, 53, "my own");
  w.echo(client, 53);
  assert.match((await w.hear(web, w.address(client, "front"), 53)) ?? "", /^my own/);
  assert.deepEqual(await w.resolve(client, "web"), [w.address(web, "front")]);
});

test("search domains, options and servers of the container stand in its resolv.conf; hosts and hostname are as Docker's", async (t) => {
  const root = etc(t);
  const w = await world(t, { hostRoot: root });
  const a = await w.start("a", {
    hostname: "shop",
    hostConfig: {
      Dns: ["192.0.2.53"],
      DnsSearch: ["corp.example"],
      DnsOptions: ["timeout:3"],
      ExtraHosts: ["db:192.0.2.1", "me:host-gateway", "six=[fd00::1]"],
    },
  });
  assert.equal(w.file(a, "resolv.conf"), "nameserver 192.0.2.53\nsearch corp.example\noptions timeout:3\n");
  assert.equal(w.file(a, "hostname"), "shop\n");
  const gateway = w.endpoint(a, "bridge").Gateway;
  assert.equal(
    w.file(a, "hosts"),
    `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n192.0.2.1\tdb\n${gateway}\tme\nfd00::1\tsix\n${w.address(a)}\tshop\n`,
  );
  const plain = await w.start("plain");
  assert.equal(
    w.file(plain, "resolv.conf"),
    "nameserver 192.0.2.99\nsearch home.example\n",
    "servers on the host's loopback are left out",
  );
  const host = await w.start("host", { networkMode: "host" });
  assert.equal(w.file(host, "resolv.conf"), "nameserver 127.0.0.1\nnameserver 192.0.2.99\nsearch home.example\n");
  assert.equal(w.file(host, "hosts"), "127.0.0.1 machine\n");
});

/** A machine's /etc with settings of its own. */
function etc(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "networks-etc-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/resolv.conf"), "nameserver 127.0.0.1\nnameserver 192.0.2.99\nsearch home.example\n");
  writeFileSync(join(root, "etc/hosts"), "127.0.0.1 machine\n");
  return root;
}

/** Answers A queries over UDP and TCP from a table, everything else with NXDOMAIN. */
async function fakeServer(t: TestContext, table: Record<string, string>): Promise<number> {
  const answer = (query: Buffer) => {
    const decoded = packet.decode(query);
    const question = decoded.questions?.[0];
    const data = question?.type === "A" ? table[question.name] : undefined;
    const answers: packet.Answer[] = data === undefined || !question ? [] : [{ type: "A", name: question.name, data }];
    const known = question !== undefined && table[question.name] !== undefined;
    return packet.encode({
      type: "response",
      ...(decoded.id === undefined ? {} : { id: decoded.id }),
      flags: known ? 0 : 3,
      questions: decoded.questions ?? [],
      answers,
    });
  };
  const udp = createSocket("udp4");
  udp.on("message", (message, from) => udp.send(answer(message), from.port, from.address));
  await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve));
  const { port } = udp.address();
  const tcp = createServer((client) => {
    client.on("error", () => undefined);
    client.on("data", (message: Buffer) => {
      const reply = answer(message.subarray(2));
      client.write(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]));
    });
  });
  await new Promise<void>((resolve) => tcp.listen(port, "127.0.0.1", resolve));
  t.after(() => {
    udp.close();
    tcp.close();
  });
  return port;
}

/** One query over TCP from inside the container. */
async function askOverTcp(w: NetworksWorld, container: ReturnType<NetworksWorld["container"]>, name: string): Promise<string> {
  const query = packet.streamEncode({ type: "query", id: 7, flags: packet.RECURSION_DESIRED, questions: [{ type: "A", name }] });
  const octal = [...query].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  const script = `exec 3<>/dev/tcp/127.0.0.11/53; printf '${octal}' >&3; timeout 3 dd bs=512 count=1 status=none <&3 | od -An -v -tx1 | tr -d ' \\n'`;
  const hex = await w.exec(container, "bash", "-c", script);
  const answer = packet.streamDecode(Buffer.from(hex, "hex"));
  const first = answer.answers?.[0];
  return first?.type === "A" ? first.data : "";
}

function searchOfHost(): string {
  const search = parseResolvConf(readFileSync("/etc/resolv.conf", "utf8")).search;
  return search.length > 0 ? `search ${search.join(" ")}\n` : "";
}
