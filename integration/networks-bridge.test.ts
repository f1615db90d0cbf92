import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { test, type TestContext } from "node:test";
import type { NetworksConfig } from "../packages/engine/src/networks/network-config.ts";
import { freeSubnet } from "./harness/free-subnet.ts";
import { hostLinks } from "./harness/host-links.ts";
import { NetworksWorld, run } from "./networks-world.ts";

async function world(t: TestContext, config: Partial<NetworksConfig> = {}): Promise<NetworksWorld> {
  const made = await new NetworksWorld(config).open();
  t.after(async () => assert.deepEqual(await made.destroy(), [], "something of the networks is left on the machine"));
  await made.networks.ready;
  assert.deepEqual(made.warnings, []);
  return made;
}

const rejectsWith = (pattern: RegExp, kind: string) => (error: Error & { kind?: string }) => {
  assert.match(error.message, pattern);
  assert.equal(error.kind, kind);
  return true;
};

test("containers of the default bridge reach each other, the host and, masqueraded, what is beyond it", async (t) => {
  const w = await world(t);
  const [a, b] = [await w.start("a"), await w.start("b")];
  const { machine, address, hostAddress } = await w.outside();
  w.serve(a, 80, "a sees");
  w.serve(machine, 80, "outside sees");

  assert.equal(await w.hear(b, w.address(a), 80), `a sees ${w.address(b)}`);
  assert.equal(await w.hear(b, address, 80), `outside sees ${hostAddress}`);
  assert.equal(await w.pings(b, w.config.bridge.bip?.split("/")[0] ?? ""), true);
  assert.match(w.file(a, "hosts"), new RegExp(`^${w.address(a)}\\t${a.hostname}$`, "m"));
});

test("without masquerade the outside sees the container's own address", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "plain", Options: { "com.docker.network.bridge.enable_ip_masquerade": "false" } });
  const a = await w.start("a", { networkMode: "plain" });
  const { machine, address } = await w.outside([(await w.pool("plain")).subnet]);
  w.serve(machine, 80, "outside sees");
  assert.equal(await w.hear(a, address, 80), `outside sees ${w.address(a, "plain")}`);
});

test("a published port is reached from outside, from the host, over loopback, from its own container and from other networks", async (t) => {
  const w = await world(t);
  const a = await w.start("a", {
    hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "" }] } },
    exposedPorts: ["80/tcp", "81/tcp"],
  });
  await w.networks.manager.create({ Name: "other" });
  const [neighbour, stranger] = [await w.start("neighbour"), await w.start("stranger", { networkMode: "other" })];
  const { machine, address, hostAddress } = await w.outside();
  w.serve(a, 80, "a sees");
  const ports = w.networks.sandboxes.settings(a).Ports;
  const port = Number(ports["80/tcp"]?.[0]?.HostPort);

  assert.equal(ports["81/tcp"], null);
  assert.equal(ports["80/tcp"]?.[0]?.HostIp, "0.0.0.0");
  assert.equal(await w.hear(machine, hostAddress, port), `a sees ${address}`);
  for (const [who, from] of [
    ["the host", undefined],
    ["itself", a],
    ["a neighbour", neighbour],
    ["another network", stranger],
  ] as const) {
    assert.match((await w.hear(from, hostAddress, port)) ?? `nothing heard by ${who}`, /^a sees/);
  }
  assert.match((await w.hear(undefined, "127.0.0.1", port)) ?? "nothing on loopback", /^a sees/);
});

test("ports that are not published stay closed to the outside and to other networks", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "other" });
  const [a, stranger] = [await w.start("a"), await w.start("stranger", { networkMode: "other" })];
  const { machine } = await w.outside([(await w.pool("bridge")).subnet]);
  w.serve(a, 80, "a sees");

  assert.match((await w.hear(undefined, w.address(a), 80)) ?? "", /^a sees/, "the host itself reaches it");
  assert.equal(await w.hear(stranger, w.address(a), 80, 1), undefined);
  assert.equal(await w.pings(stranger, w.address(a), 1), false);
  assert.equal(await w.hear(machine, w.address(a), 80, 1), undefined);
});

test("a container cannot reach services of the host's loopback through its gateway", async (t) => {
  const w = await world(t);
  const a = await w.start("a");
  w.serve(undefined, 18999, "secret", "127.0.0.1");
  await w.exec(a, "ip", "route", "add", "127.0.0.53/32", "via", w.endpoint(a, "bridge").Gateway ?? "").catch(() => undefined);
  await w.exec(a, "sysctl", "-qw", "net.ipv4.conf.eth0.route_localnet=1");
  await w.exec(a, "ip", "address", "del", "127.0.0.1/8", "dev", "lo");
  await w.exec(a, "ip", "route", "add", "127.0.0.1/32", "via", w.endpoint(a, "bridge").Gateway ?? "", "dev", "eth0");
  assert.match((await w.hear(undefined, "127.0.0.1", 18999)) ?? "", /^secret/);
  assert.equal(await w.hear(a, "127.0.0.1", 18999, 1), undefined);
});

test("UDP ports, ranges and single host addresses are published", async (t) => {
  const w = await world(t);
  const { machine, hostAddress } = await w.outside();
  const a = await w.start("a", {
    hostConfig: {
      PortBindings: {
        "5300/udp": [{ HostPort: "15300" }],
        "7000-7002/tcp": [{ HostPort: "17000-17010" }],
        "90/tcp": [{ HostIp: hostAddress, HostPort: "19090" }],
      },
    },
  });
  w.echo(a, 5300);
  w.serve(a, 90, "ninety");
  w.serve(a, 7001, "seven");

  assert.equal(await askUdp(hostAddress, 15300, "hello"), "hello");
  assert.deepEqual(
    Object.entries(w.networks.sandboxes.settings(a).Ports)
      .map(([port, places]) => `${port} ${places?.map((place) => `${place.HostIp}:${place.HostPort}`).join()}`)
      .sort(),
    [
      "5300/udp 0.0.0.0:15300",
      "7000/tcp 0.0.0.0:17000",
      "7001/tcp 0.0.0.0:17001",
      "7002/tcp 0.0.0.0:17002",
      `90/tcp ${hostAddress}:19090`,
    ],
  );
  assert.match((await w.hear(machine, hostAddress, 17001)) ?? "", /^seven/);
  assert.match((await w.hear(machine, hostAddress, 19090)) ?? "", /^ninety/);
  assert.equal(await w.hear(undefined, "127.0.0.1", 19090, 1), undefined, "published on another address");
});

test("a port is published on every address of IPv6, however that is spelled", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "dual", EnableIPv6: true });
  const { machine, hostAddress6 } = await w.outside();
  const HostIp = "0:0:0:0:0:0:0:0";
  const a = await w.start("a", {
    networkMode: "dual",
    hostConfig: {
      PortBindings: { "80/tcp": [{ HostIp, HostPort: "19091" }], "81/tcp": [{ HostIp: "::ffff:127.0.0.1", HostPort: "19091" }] },
    },
  });
  w.serve(a, 80, "eighty", "::");
  w.serve(a, 81, "eighty-one");
  assert.match((await w.hear(machine, hostAddress6, 19091)) ?? "", /^eighty /);
  assert.match((await w.hear(undefined, "127.0.0.1", 19091)) ?? "", /^eighty-one /);
  const ports = w.networks.sandboxes.settings(a).Ports;
  assert.deepEqual(
    [ports["80/tcp"], ports["81/tcp"]].map((places) => places?.map((place) => place.HostIp)),
    [["::"], ["127.0.0.1"]],
  );
});

test("a port that is taken fails the start with Docker's words and leaves nothing behind", async (t) => {
  const w = await world(t);
  const binding = { hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18123" }] } } };
  const a = await w.start("a", binding);
  await assert.rejects(
    w.start("b", binding),
    rejectsWith(/Bind for 0\.0\.0\.0:18123 failed: port is already allocated/, "internal"),
  );
  const server = createServer().listen(18124);
  t.after(() => server.close());
  await assert.rejects(
    w.start("c", { hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18124" }] } } }),
    rejectsWith(/18124: bind: address already in use/, "internal"),
  );
  assert.equal(w.networks.sandboxes.endpointsIn((await w.networks.manager.inspect("bridge", { verbose: false })).Id).length, 1);

  await assert.rejects(
    new Promise((_resolve, reject) => createServer().once("error", reject).listen(18123)),
    /EADDRINUSE/,
    "another program must not get a published port",
  );
  await w.stop(a);
  await w.start("b");
});

test("a connect that cannot have all ports of its container keeps none of them", async (t) => {
  const w = await world(t);
  const server = createServer().listen(18127);
  t.after(() => server.close());
  await w.networks.manager.create({ Name: "inner", Internal: true });
  const ports = (...published: number[]) => ({
    PortBindings: Object.fromEntries(published.map((port, index) => [`${80 + index}/tcp`, [{ HostPort: String(port) }]])),
  });
  const a = await w.start("a", { networkMode: "inner", hostConfig: ports(18126, 18127) });
  await assert.rejects(w.networks.manager.connect("bridge", { Container: "a" }), /18127: bind: address already in use/);
  const b = await w.start("b", { hostConfig: ports(18126) });
  await w.stop(b);
  await new Promise((resolve) => server.close(resolve));
  await w.networks.manager.connect("bridge", { Container: "a" });
  w.serve(a, 80, "a sees");
  assert.match((await w.hear(undefined, "127.0.0.1", 18126)) ?? "", /^a sees/);
});

test("the relay serves [::1] where it is on, and nobody does where it is off", async (t) => {
  for (const userlandProxy of [true, false]) {
    const w = await world(t, { userlandProxy });
    const a = await w.start("a", { hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18200" }] } } });
    w.serve(a, 80, "relayed");
    const heard = await hearOnLoopback6(18200);
    assert.equal(heard?.startsWith("relayed") ?? false, userlandProxy);
    await w.stop(a);
  }
});

test("an internal network has no way out, and none in", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "vault", Internal: true });
  const [a, b] = [
    await w.start("a", { networkMode: "vault" }),
    await w.start("b", { networkMode: "vault", hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18300" }] } } }),
  ];
  const { subnet, gateway } = await w.pool("vault");
  const { machine, address, hostAddress } = await w.outside([subnet]);
  w.serve(b, 80, "inside");
  w.serve(machine, 80, "outside");
  assert.match((await w.hear(a, w.address(b, "vault"), 80)) ?? "", /^inside/);
  assert.equal(await w.exec(a, "ip", "route", "show", "default"), "");
  // Even a route made by hand leads nowhere.
  await w.exec(a, "ip", "route", "add", "default", "via", gateway);
  assert.equal(await w.hear(a, address, 80, 1), undefined);
  assert.equal(await w.hear(machine, w.address(b, "vault"), 80, 1), undefined);
  assert.equal(await w.hear(machine, hostAddress, 18300, 1), undefined);
});

test("without inter-container communication only linked ports are open", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "quiet", Options: { "com.docker.network.bridge.enable_icc": "false" } });
  const [a, b] = [await w.start("a", { networkMode: "quiet" }), await w.start("b", { networkMode: "quiet" })];
  w.serve(a, 80, "a sees");
  assert.equal(await w.hear(b, w.address(a, "quiet"), 80, 1), undefined);
  assert.equal(await w.pings(b, w.address(a, "quiet"), 1), false);
  assert.equal(await w.pings(b, w.endpoint(b, "quiet").Gateway ?? ""), true);
});

test("links open the neighbour's exposed ports on a default bridge whose containers may not talk", async (t) => {
  const base = new NetworksWorld();
  await base.open();
  await base.destroy();
  const w = await world(t, {
    bridge: { ...base.config.bridge, interContainer: false },
    vethPrefix: base.config.vethPrefix,
    nftTable: base.config.nftTable,
  });
  const db = await w.start("db", { exposedPorts: ["5432/tcp"] });
  const app = await w.start("app", { links: [{ id: db.id, name: db.name, alias: "database" }] });
  const other = await w.start("other");
  w.serve(db, 5432, "db sees");
  w.serve(db, 80, "not exposed");
  assert.match((await w.hear(app, w.address(db), 5432)) ?? "", /^db sees/);
  assert.equal(await w.hear(app, w.address(db), 80, 1), undefined);
  assert.equal(await w.hear(other, w.address(db), 5432, 1), undefined);
  assert.match(w.file(app, "hosts"), new RegExp(`^${w.address(db)}\\tdatabase ${db.hostname} db$`, "m"));
});

test("subnets, ranges, gateways, auxiliary addresses, static addresses and hardware addresses are as asked", async (t) => {
  const w = await world(t);
  const [one, two] = [freeSubnet(), freeSubnet()];
  await w.networks.manager.create({
    Name: "planned",
    EnableIPv6: true,
    IPAM: {
      Config: [
        {
          Subnet: one.cidr,
          IPRange: `${one.prefix}128/28`,
          Gateway: `${one.prefix}254`,
          AuxiliaryAddresses: { printer: `${one.prefix}128` },
        },
        { Subnet: two.cidr },
        { Subnet: one.cidr6, Gateway: `${one.prefix6}99` },
      ],
    },
  });
  const a = await w.start("a", { networkMode: "planned" });
  const [IPv4Address, IPv6Address] = [`${two.prefix}77`, `${one.prefix6}77`];
  const b = await w.start("b", {
    networkMode: "planned",
    endpoints: { planned: { IPAMConfig: { IPv4Address, IPv6Address }, MacAddress: "02:00:00:00:00:77" } },
  });
  assert.equal(w.address(a, "planned"), `${one.prefix}129`);
  assert.equal(w.endpoint(a, "planned").Gateway, `${one.prefix}254`);
  assert.match(await w.exec(a, "ip", "-6", "route", "show", "default"), new RegExp(`via ${one.prefix6}99`));
  assert.match(
    await w.exec(b, "ip", "address", "show", "eth0"),
    new RegExp(`02:00:00:00:00:77[^]*${IPv4Address}/24[^]*${IPv6Address}/64`),
  );
  assert.equal(await w.pings(a, IPv6Address), true);
  assert.equal(await w.pings(a, IPv4Address), true, "subnets of one network are routed by its bridge");
  const taken = { networkMode: "planned", endpoints: { planned: { IPAMConfig: { IPv4Address } } } };
  await assert.rejects(w.start("c", taken), rejectsWith(/^Address already in use$/, "forbidden"));
  const foreign = { networkMode: "planned", endpoints: { planned: { IPAMConfig: { IPv4Address: "192.0.2.1" } } } };
  await assert.rejects(
    w.start("d", foreign),
    rejectsWith(/It does not belong to any of this network's subnets/, "invalidArgument"),
  );
});

test("an IPv6 client reaches a port published on a dual-stack network", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "dual", EnableIPv6: true });
  const a = await w.start("a", { networkMode: "dual", hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18400" }] } } });
  const { machine, address6, hostAddress6 } = await w.outside();
  w.serve(a, 80, "six sees", "::");
  await w.exec(machine, "ip", "-6", "route", "add", "default", "via", hostAddress6);
  assert.equal(await w.hear(machine, hostAddress6, 18400), `six sees ${address6}`);
});

test("exhausted pools and overlapping subnets are refused with Docker's words, and leave no network", async (t) => {
  const w = await world(t);
  const { cidr, prefix } = freeSubnet();
  await w.networks.manager.create({ Name: "tiny", IPAM: { Config: [{ Subnet: `${prefix}0/30` }] } });
  await w.start("a", { networkMode: "tiny" });
  await assert.rejects(
    w.start("b", { networkMode: "tiny" }),
    rejectsWith(/no available IPv4 addresses on this network's address pools: tiny \([0-9a-f]{64}\)/, "resourceExhausted"),
  );
  await assert.rejects(
    w.networks.manager.create({ Name: "again", IPAM: { Config: [{ Subnet: cidr }] } }),
    rejectsWith(/^Pool overlaps with other one on this address space$/, "forbidden"),
  );
  await assert.rejects(
    w.networks.manager.create({ Name: "bad", IPAM: { Config: [{ Subnet: `${prefix}0/33` }] } }),
    rejectsWith(/invalid CIDR address/, "invalidArgument"),
  );
  await assert.rejects(
    w.networks.manager.create({ Name: "tiny" }),
    rejectsWith(/^network with name tiny already exists$/, "conflict"),
  );
  await assert.rejects(
    w.networks.manager.create({ Name: "x", Driver: "nonesuch" }),
    rejectsWith(/plugin "nonesuch" not found/, "notFound"),
  );
  for (let index = 0; index < 8; index++) await w.networks.manager.create({ Name: `n${index}` });
  await assert.rejects(
    w.networks.manager.create({ Name: "one-too-many" }),
    rejectsWith(/all predefined address pools have been fully subnetted/, "resourceExhausted"),
  );
  const names = (await w.networks.manager.list({})).map((network) => network.Name);
  assert.deepEqual(
    names.filter((name) => ["again", "bad", "x", "one-too-many"].includes(name)),
    [],
  );
});

test("networks come and go while a container runs; the highest priority gives the default route", async (t) => {
  const w = await world(t);
  const [front, back] = [freeSubnet(), freeSubnet()];
  await w.networks.manager.create({ Name: "front", IPAM: { Config: [{ Subnet: front.cidr }] } });
  await w.networks.manager.create({ Name: "back", IPAM: { Config: [{ Subnet: back.cidr }] } });
  const a = await w.start("a", { networkMode: "front" });
  assert.match(await w.exec(a, "ip", "route", "show", "default"), new RegExp(`via ${front.prefix}1 dev eth0`));
  await w.networks.manager.connect("back", {
    Container: "a",
    EndpointConfig: { GwPriority: 10, Aliases: ["b-side"], IPAMConfig: { IPv4Address: `${back.prefix}9` } },
  });
  assert.match(await w.exec(a, "ip", "route", "show", "default"), new RegExp(`via ${back.prefix}1 dev eth1`));
  assert.equal(w.address(a, "back"), `${back.prefix}9`);
  assert.match(w.file(a, "hosts"), new RegExp(`^${back.prefix}9\t`, "m"));
  await assert.rejects(
    w.networks.manager.connect("back", { Container: "a" }),
    rejectsWith(/endpoint with name a already exists in network back/, "forbidden"),
  );
  await assert.rejects(
    w.networks.manager.remove("back"),
    rejectsWith(/error while removing network: network back .*has active endpoints/, "forbidden"),
  );
  await w.networks.manager.disconnect("back", { Container: "a" });
  assert.match(await w.exec(a, "ip", "route", "show", "default"), new RegExp(`via ${front.prefix}1 dev eth0`));
  assert.ok(!w.file(a, "hosts").includes(back.prefix));
  await w.networks.manager.remove("back");
  assert.deepEqual(
    w.events.filter((event) => event.name === "back").map((event) => event.action),
    ["create", "connect", "disconnect", "destroy"],
  );
});

test("a container keeps what connect and disconnect made of its networks over a restart", async (t) => {
  const w = await world(t);
  for (const Name of ["front", "back"]) await w.networks.manager.create({ Name });
  const a = await w.start("a", { networkMode: "front" });
  await w.networks.manager.connect("back", { Container: "a" });
  await w.networks.manager.disconnect("front", { Container: "a" });
  await w.stop(a);
  await w.start("a");
  assert.deepEqual(Object.keys(w.networks.sandboxes.settings(a).Networks), ["back"]);
  assert.match(await w.exec(a, "ip", "-4", "-o", "address", "show", "eth0"), new RegExp(w.address(a, "back")));
  await w.stop(a);
  await w.networks.manager.connect("front", { Container: "a" });
  await w.networks.manager.connect("front", { Container: "a" });
  await w.start("a");
  await assert.rejects(
    w.networks.manager.connect("front", { Container: "a" }),
    rejectsWith(/already exists in network front/, "forbidden"),
  );
  assert.deepEqual(Object.keys(w.networks.sandboxes.settings(a).Networks).sort(), ["back", "front"]);
  await w.stop(a);
  for (const network of ["front", "back"]) await w.networks.manager.disconnect(network, { Container: "a" });
  await assert.rejects(
    w.networks.manager.disconnect("front", { Container: "a" }),
    rejectsWith(/is not connected to the network front/, "forbidden"),
  );
  await w.start("a");
  assert.deepEqual(w.networks.sandboxes.settings(a).Networks, {}, "who left all networks is in none");
  assert.doesNotMatch(await w.exec(a, "ip", "link"), /eth/);
});

test("what a plugin makes of an endpoint shows in the namespace", async (t) => {
  const w = await world(t);
  const { cidr, prefix } = freeSubnet();
  const ipv4Address = `${prefix}50`;
  await w.networks.manager.create({ Name: "one" });
  await w.networks.manager.create({ Name: "two", IPAM: { Config: [{ Subnet: cidr }] } });
  w.changeEndpoint = (endpoint) =>
    endpoint.networkName === "two"
      ? {
          ...endpoint,
          priority: 100,
          disableResolver: true,
          genericParams: { "bandwidth.rate": "8mbit" },
          ipv4Address,
          macAddress: "02:11:22:33:44:55",
        }
      : endpoint;
  const a = await w.start("a", { networkMode: "one", endpoints: { one: {}, two: {} } });
  assert.match(await w.exec(a, "ip", "route", "show", "default"), new RegExp(`via ${prefix}1 dev eth1`));
  assert.doesNotMatch(w.file(a, "resolv.conf"), /127\.0\.0\.11/);
  assert.match(await w.exec(a, "ip", "address", "show", "eth1"), new RegExp(`02:11:22:33:44:55[^]*${ipv4Address}/`));
  assert.match(await w.exec(a, "tc", "qdisc", "show", "dev", "eth1"), /tbf .*rate 8Mbit/);
  w.changeEndpoint = (endpoint) => endpoint;
  const b = await w.start("b", { networkMode: "two" });
  const mbits = await throughput(w, b, a, ipv4Address);
  assert.ok(mbits < 12, `the limit of 8 Mbit/s lets ${mbits.toFixed(1)} through`);
});

test("an endpoint that fails half way leaves no link, address, port or rule behind", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "front", IPAM: { Config: [{ Subnet: `${freeSubnet().prefix}0/29` }] } });
  const a = await w.start("a");
  const links = () => hostLinks().filter((name) => name.startsWith(w.config.vethPrefix));
  const before = links();
  const settings = { networkMode: "front", hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18450" }] } } };
  w.changeEndpoint = (endpoint) => ({ ...endpoint, genericParams: { "bandwidth.rate": "much" } });
  for (let round = 0; round < 6; round++) {
    await assert.rejects(
      w.start(`b${round}`, settings),
      rejectsWith(/generic parameter bandwidth\.rate: "much" is not/, "invalidArgument"),
    );
    await assert.rejects(w.networks.manager.connect("front", { Container: "a" }), /bandwidth\.rate/);
  }
  w.changeEndpoint = () => {
    throw new Error("refused by a plugin");
  };
  await assert.rejects(w.start("c", settings), /refused by a plugin/);
  await w.networks.sandboxes.settled();
  await eventually(() => assert.deepEqual(links(), before));
  assert.doesNotMatch(await w.nft(), /18450/);
  assert.doesNotMatch(await w.exec(a, "ip", "link"), /eth1/);
  w.changeEndpoint = (endpoint) => endpoint;
  for (let index = 0; index < 5; index++) await w.start(`d${index}`, index === 0 ? settings : { networkMode: "front" });
});

test("a bridge that somebody deleted is made again for the next container", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "front" });
  const { Id } = await w.networks.manager.inspect("front", { verbose: false });
  const bridges = [w.config.bridge.name, `${w.config.bridgePrefix}${Id.slice(0, 12)}`];
  for (const bridge of bridges) await run("ip", ["link", "delete", bridge]);
  const [a, b] = await Promise.all(["a", "b"].map((name) => w.start(name, { networkMode: "front" })));
  assert.ok(a && b);
  w.serve(a, 80, "a sees");
  assert.equal(await w.hear(b, w.address(a, "front"), 80), `a sees ${w.address(b, "front")}`);
  await w.start("c");
});

test("a deferred connect leaves the namespace bare until it is asked for", async (t) => {
  const w = await world(t);
  const a = w.container("a");
  const sandbox = await w.networks.sandboxes.prepare(a, { deferConnect: true });
  assert.doesNotMatch(await w.exec(a, "ip", "link"), /eth0/);
  assert.match(w.file(a, "hosts"), new RegExp(a.hostname));
  await w.networks.sandboxes.connect(a);
  assert.match(await w.exec(a, "ip", "-o", "address", "show", "eth0"), new RegExp(w.address(a)));
  assert.ok(sandbox.netnsPath?.startsWith(w.root));
});

test("container mode shares namespace and files of a running container", async (t) => {
  const w = await world(t);
  const a = await w.start("a");
  const b = w.container("b", { networkMode: `container:${a.id}` });
  const shared = await w.networks.sandboxes.prepare(b, { deferConnect: false });
  assert.equal(shared.netnsPath, w.netns(a));
  assert.equal(shared.hostsPath, `${a.filesDirectory}/hosts`);
  await w.stop(a);
  await assert.rejects(
    w.networks.sandboxes.prepare(b, { deferConnect: false }),
    rejectsWith(/cannot join network of a non running container/, "conflict"),
  );
});

test("two daemons live side by side: the same ports apart, the same names, each its own rules", async (t) => {
  const [one, two] = [await world(t), await world(t)];
  const a = await one.start("web", { hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18501" }] } } });
  const b = await two.start("web", { hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18502" }] } } });
  one.serve(a, 80, "one");
  two.serve(b, 80, "two");
  assert.match((await one.hear(undefined, "127.0.0.1", 18501)) ?? "", /^one/);
  assert.match((await one.hear(undefined, "127.0.0.1", 18502)) ?? "", /^two/);
  await assert.rejects(
    two.start("c", { hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18501" }] } } }),
    /18501: bind: address already in use/,
  );
});

test("a missing program is named, with the package that brings it", async (t) => {
  const w = new NetworksWorld();
  w.env = { ...process.env, PATH: "/nonexistent" };
  await w.open();
  await w.networks.ready;
  assert.match(w.warnings.join(), /the program "ip" is not installed \(package iproute2\)/);
  await assert.rejects(w.start("a"), rejectsWith(/the program "ip" is not installed/, "unavailable"));
  await w.start("b", { networkMode: "none" });
  await w.stop([...w.containers.values()].find((each) => each.name === "b") ?? w.container("never"));
  assert.deepEqual(w.leftovers(), []);
  await w.shut();
  rmSync(w.root, { recursive: true });
  t.diagnostic("host and none work without iproute2");
});

/** Waits up to twenty seconds for what happens behind our back. */
async function eventually(check: () => void): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return check();
    } catch (error) {
      if (tries === 400) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function throughput(
  w: NetworksWorld,
  sink: ReturnType<NetworksWorld["container"]>,
  source: ReturnType<NetworksWorld["container"]>,
  from: string,
): Promise<number> {
  assert.ok(from);
  const bytes = 3_000_000;
  const listening = w.exec(sink, "sh", "-c", `timeout 15 busybox nc -l -p 5001 | wc -c`);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const started = performance.now();
  await w.exec(source, "sh", "-c", `head -c ${bytes} /dev/zero | busybox nc -w 5 ${w.address(sink, "two")} 5001`);
  assert.equal(Number(await listening), bytes);
  return (bytes * 8) / 1e6 / ((performance.now() - started) / 1000);
}

function askUdp(address: string, port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const timer = setTimeout(() => {
      clearInterval(asking);
      socket.close();
      reject(new Error(`no answer of ${address}:${port} to any datagram of 15 s`));
    }, 15_000);
    const ask = (): void => socket.send(text, port, address);
    const asking = setInterval(ask, 300);
    socket.on("message", (message) => {
      clearTimeout(timer);
      clearInterval(asking);
      socket.close();
      resolve(String(message));
    });
    ask();
  });
}

function hearOnLoopback6(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ host: "::1", port });
    socket.on("data", (chunk) => (text += String(chunk)));
    socket.on("close", () => resolve(text === "" ? undefined : text));
    socket.on("error", () => undefined);
  });
}
