import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Daemon, projectRoot } from "./harness/daemon.ts";
import { freeSubnet } from "./harness/free-subnet.ts";
import { hostLinks } from "./harness/host-links.ts";
import { NetworksWorld, run } from "./networks-world.ts";

/** A failed step takes back what it made and nothing else; what there is is asked from the kernel. */
async function world(t: TestContext): Promise<NetworksWorld & { firewallFails: (fails: boolean) => void }> {
  const made = new NetworksWorld();
  const [nft, broken] = [join(made.root, "nft"), join(made.root, "broken")];
  writeFileSync(nft, `#!/bin/sh\n[ -e ${broken} ] && echo out of order >&2 && exit 1\nexec /usr/sbin/nft "$@"\n`, {
    mode: 0o755,
  });
  made.env = { ...process.env, PATH: `${made.root}:${process.env["PATH"]}` };
  await made.open();
  t.after(async () => {
    rmSync(broken, { force: true });
    assert.deepEqual(await made.destroy(), [], "something of the networks is left on the machine");
  });
  await made.networks.ready;
  return Object.assign(made, {
    firewallFails: (fails: boolean) => (fails ? writeFileSync(broken, "") : rmSync(broken)),
  });
}

const bridgeName = "com.docker.network.bridge.name";

/** A link of the operator's, on which the network room may work but which is not its own. */
async function operatorsLink(t: TestContext, name: string, ...kind: string[]): Promise<string> {
  await run("ip", ["link", "add", name, "type", ...kind]);
  t.after(() => run("ip", ["link", "delete", name]).catch(() => undefined));
  return name;
}

/** What the network room may touch of a link that is not its own. */
async function stateOf(link: string): Promise<{ addresses: string; details: string; settings: string }> {
  const addresses = await run("ip", ["-o", "address", "show", "dev", link]);
  const details = await run("ip", ["link", "show", "dev", link]);
  const settings = ["ipv4.conf.%.route_localnet", "ipv6.conf.%.accept_ra", "ipv6.conf.%.disable_ipv6"];
  const values = await run("sysctl", ["-n", ...settings.map((name) => `net.${name.replace("%", link)}`)]);
  return { addresses: addresses.stdout, details: details.stdout.replace(/ qdisc \w+/, ""), settings: values.stdout };
}

test("a bridge of the operator's is after a failed create as it was before", async (t) => {
  const w = await world(t);
  const bridge = await operatorsLink(t, `lent${w.tag}`, "bridge");
  const { cidr, prefix, cidr6 } = freeSubnet();
  await run("ip", ["address", "add", `${prefix}9/24`, "dev", bridge]);
  const before = await stateOf(bridge);
  w.firewallFails(true);
  const IPAM = { Config: [{ Subnet: cidr }, { Subnet: cidr6 }] };
  const config = { Name: "front", IPAM, EnableIPv6: true, Options: { [bridgeName]: bridge } };
  await assert.rejects(w.networks.manager.create(config), /nft refused the rules: out of order/);
  assert.deepEqual(await stateOf(bridge), before);
  assert.doesNotMatch(before.details, /pouch-network/);
  w.firewallFails(false);
  await w.networks.manager.create(config);
  assert.notDeepEqual(await stateOf(bridge), before);
  await w.networks.manager.remove("front");
  assert.ok(hostLinks().includes(bridge), "what was lent is not taken away");
});

test("a failed create leaves no bridge of its own", async (t) => {
  const w = await world(t);
  const bridges = () => hostLinks().filter((name) => name.startsWith(w.config.bridgePrefix));
  const before = bridges();
  w.firewallFails(true);
  await assert.rejects(w.networks.manager.create({ Name: "front" }), /nft refused the rules: out of order/);
  assert.deepEqual(bridges(), before);
  assert.deepEqual((await w.networks.manager.list({})).map(({ Name }) => Name).sort(), ["bridge", "host", "none"]);
  w.firewallFails(false);
});

test("a name that is an interface's, or another network's bridge, is refused and stays what it was", async (t) => {
  const w = await world(t);
  const link = await operatorsLink(t, `odd${w.tag}`, "veth", "peer", "name", `ddo${w.tag}`);
  const create = (name: string, bridge: string) => w.networks.manager.create({ Name: name, Options: { [bridgeName]: bridge } });
  await assert.rejects(create("x", link), /existing interface odd\w+ is not a bridge/);
  assert.ok(hostLinks().includes(link));
  const { Id } = await create("one", `bone${w.tag}`);
  await assert.rejects(create("two", `bone${w.tag}`), {
    kind: "forbidden",
    message: new RegExp(`conflicts with network ${Id} \\(bone\\w+\\): networks have same bridge name`),
  });
  await assert.rejects(create("three", w.config.bridge.name), /networks have same bridge name/);
  await w.networks.manager.remove("one");
});

test("a parent interface is one network's, and goes with it only if it was made for it", async (t) => {
  const w = await world(t);
  const parent = await operatorsLink(t, `pa${w.tag}.7`, "veth", "peer", "name", `ap${w.tag}`);
  const create = (Name: string) =>
    w.networks.manager.create({
      Name,
      Driver: "macvlan",
      Options: { parent },
      IPAM: { Config: [{ Subnet: freeSubnet().cidr }] },
    });
  const lan = await create("lan");
  await assert.rejects(create("lan2"), {
    message: `network dm-${lan.Id.slice(0, 12)} is already using parent interface ${parent}`,
  });
  await w.networks.manager.remove("lan");
  assert.ok(hostLinks().includes(parent), "it looks like a VLAN of ours and is the operator's");
});

test("a removal that fails half-way can be tried again, and the network is whole for who comes in between", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "front" });
  w.firewallFails(true);
  await assert.rejects(w.networks.manager.remove("front"), /nft refused the rules: out of order/);
  w.firewallFails(false);
  const [a, b] = [await w.start("a", { networkMode: "front" }), await w.start("b", { networkMode: "front" })];
  assert.ok(await w.pings(a, w.address(b, "front")));
  await w.stop(a);
  await w.stop(b);
  await w.networks.manager.remove("front");
});

test("a daemon whose /sys shows another network namespace keeps its bridges, and takes them away", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "networks-netns-"));
  const netns = join(directory, "netns");
  writeFileSync(netns, "");
  t.after(async () => {
    await run("umount", [netns]).catch(() => undefined);
    rmSync(directory, { recursive: true });
  });
  await run("unshare", [`--net=${netns}`, "ip", "link", "set", "lo", "up"]);
  const inside = async (...command: string[]) => (await run("nsenter", [`--net=${netns}`, ...command])).stdout;
  const executable = join(directory, "pouchd");
  writeFileSync(executable, `#!/bin/sh\nexec nsenter --net=${netns} ${projectRoot}/bin/pouchd "$@"\n`, { mode: 0o755 });
  await using daemon = await Daemon.start({ executable });
  const bridges = async () => (await inside("ip", "-o", "link", "show", "type", "bridge")).trim().split("\n");
  const before = await bridges();
  assert.equal(before.length, 1, "the default bridge");
  const ran = await daemon.docker("run", "-d", "--name", "web", "busybox", "sleep", "600");
  assert.equal(ran.code, 0, ran.stderr);
  await daemon.stop();
  await daemon.launch();
  assert.deepEqual((await bridges()).length, 1, "the default bridge, with a container on it");
  const address = (await daemon.docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "web")).stdout.trim();
  await inside("busybox", "ping", "-c", "1", "-W", "5", address);
  for (let round = 0; round < 3; round++) {
    assert.equal((await daemon.docker("network", "create", "front")).code, 0);
    assert.equal((await bridges()).length, 2);
    const removed = await daemon.docker("network", "rm", "front");
    assert.equal(removed.code, 0, removed.stderr);
    assert.equal((await bridges()).length, 1);
  }
});

test("a bridge that another daemon made for its network is not lent to one of ours", async (t) => {
  const [theirs, ours] = [await world(t), await world(t)];
  const bridge = `mine${theirs.tag}`;
  const config = { Name: "front", Options: { [bridgeName]: bridge } };
  const { Id } = await theirs.networks.manager.create(config);
  const before = await stateOf(bridge);
  await assert.rejects(ours.networks.manager.create(config), {
    kind: "forbidden",
    message: new RegExp(`\\(${bridge}\\): the bridge belongs to another daemon's network ${Id.slice(0, 12)},`),
  });
  assert.deepEqual(await stateOf(bridge), before);
  await theirs.networks.manager.remove("front");
  await ours.networks.manager.create(config);
});
