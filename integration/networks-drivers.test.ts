import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { freeSubnet, type Subnet } from "./harness/free-subnet.ts";
import { NetworksWorld, run } from "./networks-world.ts";

async function world(t: TestContext): Promise<NetworksWorld> {
  const made = await new NetworksWorld().open();
  t.after(async () => assert.deepEqual(await made.destroy(), [], "something of the networks is left on the machine"));
  await made.networks.ready;
  return made;
}

/** A wire with the host's end to put containers on, and a machine at its other end. */
async function wire(w: NetworksWorld): Promise<{
  parent: string;
  machine: ReturnType<NetworksWorld["container"]>;
  address: string;
  subnet: Subnet;
}> {
  const machine = w.container("machine", { networkMode: "none" });
  await w.networks.sandboxes.prepare(machine, { deferConnect: false });
  const parent = `${w.config.vethPrefix}wire`;
  await run("ip", ["link", "add", parent, "type", "veth", "peer", "name", "eth0", "netns", w.netns(machine)]);
  await run("ip", ["link", "set", parent, "up"]);
  const subnet = freeSubnet();
  const address = `${subnet.prefix}1`;
  await w.exec(machine, "ip", "address", "add", `${address}/24`, "dev", "eth0");
  await w.exec(machine, "ip", "link", "set", "eth0", "up");
  return { parent, machine, address, subnet };
}

test("containers of a macvlan network are on the parent's wire with hardware addresses of their own", async (t) => {
  const w = await world(t);
  const { parent, machine, address, subnet } = await wire(w);
  await w.networks.manager.create({
    Name: "lan",
    Driver: "macvlan",
    Options: { parent },
    IPAM: { Config: [{ Subnet: subnet.cidr, Gateway: address }] },
  });
  const a = await w.start("a", { networkMode: "lan" });
  const b = await w.start("b", { networkMode: "lan", endpoints: { lan: { MacAddress: "02:ab:00:00:00:01" } } });
  w.serve(a, 80, "a sees");
  w.serve(machine, 80, "machine sees");
  assert.equal(await w.hear(b, w.address(a, "lan"), 80), `a sees ${w.address(b, "lan")}`);
  assert.equal(await w.hear(machine, w.address(a, "lan"), 80), `a sees ${address}`);
  assert.equal(await w.hear(a, address, 80), `machine sees ${w.address(a, "lan")}`);
  assert.match(await w.exec(b, "ip", "link", "show", "eth0"), /02:ab:00:00:00:01/);
  assert.deepEqual(await w.resolve(b, "a"), [w.address(a, "lan")]);
  assert.match(await w.exec(a, "ip", "route", "show", "default"), new RegExp(`via ${address} `));
  const c = await w.start("c");
  await w.networks.manager.connect("lan", { Container: "c" });
  assert.match((await w.hear(c, w.address(a, "lan"), 80)) ?? "", /^a sees/);
  await w.networks.manager.disconnect("lan", { Container: "c" });
  assert.equal(await w.hear(c, w.address(a, "lan"), 80, 1), undefined);
});

test("a device that is made again under its name is the one that is meant from then on", async (t) => {
  const w = await world(t);
  const parent = `${w.config.vethPrefix}again`;
  const link = (...words: string[]) => run("ip", ["link", ...words]);
  t.after(() => link("delete", parent).catch(() => undefined));
  const remake = async (): Promise<void> => {
    await link("delete", parent).catch(() => undefined);
    await link("add", parent, "type", "veth", "peer", "name", `${parent}p`);
    await link("set", parent, "up");
  };
  const IPAM = { Config: [{ Subnet: freeSubnet().cidr }] };
  await remake();
  await w.networks.manager.create({ Name: "lan", Driver: "macvlan", Options: { parent }, IPAM });
  for (const name of ["a", "b", "c"]) {
    // At once, with the hardware address of the one before.
    for (let time = 0; time < 3; time++) await w.stop(await w.start(name, { networkMode: "lan" }));
    await remake();
  }
  await w.networks.manager.remove("lan");
  await link("delete", parent);
  const Options = { "com.docker.network.bridge.name": parent };
  await w.networks.manager.create({ Name: "bridged", Driver: "bridge", Options, IPAM });
  await w.start("d", { networkMode: "bridged" });
});

test("macvlan and ipvlan refuse modes and parents there are not", async (t) => {
  const w = await world(t);
  const IPAM = { Config: [{ Subnet: "192.0.2.0/24" }] };
  await assert.rejects(
    w.networks.manager.create({ Name: "x", Driver: "macvlan", Options: { macvlan_mode: "odd" }, IPAM }),
    /requested macvlan mode 'odd' is not valid/,
  );
  await assert.rejects(
    w.networks.manager.create({ Name: "x", Driver: "ipvlan", Options: { parent: "nosuch0" }, IPAM }),
    /invalid subinterface vlan name nosuch0/,
  );
  await assert.rejects(
    w.networks.manager.create({ Name: "x", Driver: "ipvlan", Options: { parent: "lo" }, IPAM }),
    /loopback interface is not a valid parent/,
  );
  assert.equal((await w.networks.manager.list({ name: ["x"] })).length, 0);
});

test("an ipvlan network works where the kernel has ipvlan, and says so where it has not", async (t) => {
  const w = await world(t);
  const { parent, machine, address, subnet } = await wire(w);
  await w.networks.manager.create({
    Name: "lan",
    Driver: "ipvlan",
    Options: { parent },
    IPAM: { Config: [{ Subnet: subnet.cidr, Gateway: address }] },
  });
  const supported = await run("ip", ["link", "add", "link", parent, "name", `${w.config.vethPrefix}p`, "type", "ipvlan"]).then(
    () => run("ip", ["link", "delete", `${w.config.vethPrefix}p`]).then(() => true),
    () => false,
  );
  if (!supported) {
    t.diagnostic("this kernel has no ipvlan: only the failure is checked");
    await assert.rejects(w.start("a", { networkMode: "lan" }), /type ipvlan .*: .*(Unknown device type|not supported)/);
    assert.deepEqual((await w.networks.manager.inspect("lan", { verbose: false })).Containers, {});
    return;
  }
  const a = await w.start("a", { networkMode: "lan" });
  w.serve(a, 80, "a sees");
  assert.equal(await w.hear(machine, w.address(a, "lan"), 80), `a sees ${address}`);
});

test("a CNI plugin is a driver: options are its configuration, addresses come from the engine, ports are published", async (t) => {
  const w = await world(t);
  const { cidr, prefix } = freeSubnet();
  await w.networks.manager.create({
    Name: "points",
    Driver: "ptp",
    Options: { mtu: "1400" },
    IPAM: { Config: [{ Subnet: cidr }] },
  });
  const a = await w.start("a", { networkMode: "points", hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18650" }] } } });
  const b = await w.start("b", { networkMode: "points", endpoints: { points: { IPAMConfig: { IPv4Address: `${prefix}77` } } } });
  const { machine, hostAddress } = await w.outside();
  w.serve(a, 80, "a sees");
  assert.match(await w.exec(b, "ip", "address", "show", "eth0"), new RegExp(`mtu 1400[^]*${prefix}77/24`));
  assert.match((await w.hear(b, w.address(a, "points"), 80)) ?? "", /^a sees/);
  assert.match((await w.hear(machine, hostAddress, 18650)) ?? "", /^a sees/);
  assert.deepEqual(await w.resolve(b, "a"), [w.address(a, "points")]);
  assert.match(w.endpoint(a, "points").MacAddress ?? "", /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
});

test("a list of plugins from the configuration folder is a network of driver cni, with addresses of its own", async (t) => {
  const w = new NetworksWorld();
  w.config.cniConfigDirectory = join(w.root, "cni");
  mkdirSync(w.config.cniConfigDirectory);
  const bridge = `b${w.tag}cni`;
  const { cidr, prefix } = freeSubnet();
  writeFileSync(
    join(w.config.cniConfigDirectory, "10-pods.conflist"),
    JSON.stringify({
      cniVersion: "0.4.0",
      name: "pods",
      plugins: [
        {
          type: "bridge",
          bridge,
          isGateway: true,
          ipMasq: false,
          ipam: { type: "host-local", dataDir: join(w.root, "leases"), subnet: cidr, routes: [{ dst: "0.0.0.0/0" }] },
        },
        { type: "bandwidth", capabilities: { bandwidth: true } },
      ],
    }),
  );
  await w.open();
  t.after(async () => {
    await run("ip", ["link", "delete", bridge]).catch(() => undefined);
    assert.deepEqual(await w.destroy(), []);
  });
  await w.networks.manager.create({ Name: "pods", Driver: "cni", Options: { "cni.network": "pods" } });
  const a = await w.start("a", { networkMode: "pods" });
  const b = await w.start("b", { networkMode: "pods" });
  w.serve(a, 80, "a sees");
  assert.ok(w.address(a, "pods").startsWith(prefix));
  assert.equal(await w.hear(b, w.address(a, "pods"), 80), `a sees ${w.address(b, "pods")}`);
  const first = w.address(a, "pods");
  await w.stop(a);
  await w.stop(b);
  const leases = (await run("sh", ["-c", `ls ${join(w.root, "leases", "pods")} | grep -c '^10' || true`])).stdout.trim();
  assert.equal(leases, "0", "DEL gave the leases back");
  assert.notEqual(first, "");
});

test("a CNI network is given back as it was made, by another daemon and without its list", async (t) => {
  const w = new NetworksWorld();
  const [bin, cni, leases, given] = [join(w.root, "bin"), join(w.root, "cni"), join(w.root, "leases"), join(w.root, "given")];
  const bridge = `b${w.tag}cni`;
  for (const folder of [bin, cni]) mkdirSync(folder);
  const noting = `#!/bin/sh\n[ "$CNI_COMMAND" = ADD ] && exec /usr/lib/cni/bridge\ntee ${given} | /usr/lib/cni/bridge\n`;
  writeFileSync(join(bin, "noting"), noting, { mode: 0o755 });
  const ipam = { type: "host-local", dataDir: leases, subnet: freeSubnet().cidr };
  const list = join(cni, "10-noted.conflist");
  const plugins = [{ type: "noting", bridge, ipam }];
  writeFileSync(list, JSON.stringify({ cniVersion: "0.4.0", name: "noted", plugins }));
  w.config.cniConfigDirectory = cni;
  w.config.cniBinDirectories.unshift(bin);
  await w.open();
  t.after(async () => {
    await run("ip", ["link", "delete", bridge]).catch(() => undefined);
    assert.deepEqual(await w.destroy(), []);
  });
  await w.networks.manager.create({ Name: "noted", Driver: "cni", Options: { "cni.network": "noted" } });
  const a = await w.start("a", { networkMode: "noted" });
  const address = w.address(a, "noted");
  await w.reopen();
  rmSync(list);
  await w.stop(a);
  assert.deepEqual(w.warnings, []);
  const { prevResult } = JSON.parse(readFileSync(given, "utf8")) as { prevResult?: { ips?: { address: string }[] } };
  assert.equal(prevResult?.ips?.[0]?.address, `${address}/24`);
  assert.equal(existsSync(join(leases, "noted", address)), false, "DEL gave the lease back");
});

test("a plugin's failure fails the start with its words and leaves nothing behind", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({
    Name: "broken",
    Driver: "host-device",
    Options: { device: "nosuch0" },
    IPAM: { Config: [{ Subnet: freeSubnet().cidr }] },
  });
  await assert.rejects(
    w.start("a", { networkMode: "broken" }),
    /CNI plugin host-device \(ADD\) failed: failed to find host device/,
  );
  await assert.rejects(w.networks.manager.create({ Name: "none-such", Driver: "cni:nosuch" }), /plugin "cni:nosuch" not found/);
  await assert.rejects(w.networks.manager.create({ Name: "no-list", Driver: "cni" }), /needs the option cni\.network/);
});

test("a plugin that hangs over a container that has ended keeps no daemon from starting", async (t) => {
  const w = new NetworksWorld();
  const bin = join(w.root, "bin");
  const [held, ptp] = [join(w.root, "held"), "/usr/lib/cni/ptp"];
  mkdirSync(bin);
  const wait = `[ "$CNI_COMMAND" = DEL ] && while [ -e ${held} ]; do sleep 0.1; done`;
  writeFileSync(join(bin, "slow"), `#!/bin/sh\n${wait}\nexec ${ptp}\n`, { mode: 0o755 });
  w.config.cniBinDirectories.unshift(bin);
  await w.open();
  t.after(async () => {
    rmSync(held, { force: true });
    assert.deepEqual(await w.destroy(), []);
  });
  await w.networks.manager.create({ Name: "slow", Driver: "cni:slow", IPAM: { Config: [{ Subnet: freeSubnet().cidr }] } });
  const ended = await w.start("ended", { networkMode: "slow" });
  w.running.delete(ended.id);
  writeFileSync(held, "");
  await w.reopen();
  assert.ok(w.warnings.some((warning) => /have ended are being taken back yet/.test(warning)));
  await w.stop(await w.start("other"));
  rmSync(held);
  await w.stop(ended);
});
