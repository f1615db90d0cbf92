import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { test, type TestContext } from "node:test";
import type { NetworkedContainer } from "../packages/engine/src/networks/container-networks.ts";
import type { NetworksConfig } from "../packages/engine/src/networks/network-config.ts";
import { eventually } from "./harness/daemon.ts";
import { freeSubnet } from "./harness/free-subnet.ts";
import { hostLinks } from "./harness/host-links.ts";
import { NetworksWorld, run } from "./networks-world.ts";

async function world(
  t: TestContext,
  config: Partial<NetworksConfig> & { root?: string; tag?: string } = {},
): Promise<NetworksWorld> {
  const made = await new NetworksWorld(config).open();
  t.after(async () => assert.deepEqual(await made.destroy(), [], "something of the networks is left on the machine"));
  await made.networks.ready;
  return made;
}

test("a daemon that starts again takes up what runs and releases what does not", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "front" });
  const ids = (await w.networks.manager.list({})).map((network) => `${network.Name} ${network.Id}`).sort();
  const web = await w.start("web", { networkMode: "front", hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18600" }] } } });
  const client = await w.start("client", { networkMode: "front" });
  const gone = await w.start("gone", {
    networkMode: "front",
    hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18601" }] } },
  });
  w.serve(web, 80, "still here");
  const before = w.networks.sandboxes.settings(web);
  const goneAddress = w.address(gone, "front");

  await w.shut();
  assert.match((await w.hear(undefined, "127.0.0.1", 18600)) ?? "", /^still here/, "traffic flows without the daemon");
  w.running.delete(gone.id);
  await w.open();
  await w.networks.ready;
  assert.match(
    (await w.hear(undefined, "127.0.0.1", 18600)) ?? "",
    /^still here/,
    "the first rules a daemon puts in place hold what was open",
  );
  await w.networks.sandboxes.restore(w.runningContainers());

  assert.deepEqual((await w.networks.manager.list({})).map((network) => `${network.Name} ${network.Id}`).sort(), ids);
  assert.deepEqual(w.networks.sandboxes.settings(web), before);
  assert.match((await w.hear(undefined, "127.0.0.1", 18600)) ?? "", /^still here/);
  assert.equal(await w.hear(undefined, "127.0.0.1", 18601, 1), undefined);
  assert.deepEqual(await w.resolve(client, "web"), [w.address(web, "front")]);
  assert.deepEqual(await w.resolve(client, "gone"), []);
  await assert.rejects(
    w.start("thief", { hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18600" }] } } }),
    /port is already allocated/,
  );
  await w.networks.sandboxes.settled();
  const next = await w.start("next", { networkMode: "front" });
  assert.equal(w.address(next, "front"), goneAddress, "the address of the dead container is free again");
  await w.stop(web);
  assert.equal(await w.hear(undefined, "127.0.0.1", 18600, 1), undefined);
});

test("a name, an interface and a place on the bridge that were lost while the daemon was away are put back", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "front" });
  const networkMode = "front";
  const [asks, renamed, cut, moved] = [
    await w.start("asks", { networkMode }),
    await w.start("renamed", { networkMode }),
    await w.start("cut", { networkMode }),
    await w.start("moved", { networkMode }),
  ];
  const hostEnds = new Map<number, string>();
  const ends = (await run("ip", ["-o", "link"])).stdout.matchAll(/^(\d+): ([^@:]+)/gm);
  for (const [, index, name] of ends) hostEnds.set(Number(index), name ?? "");
  const hostEnd = async (container: NetworkedContainer): Promise<string> =>
    hostEnds.get(Number(/eth0@if(\d+)/.exec(await w.exec(container, "ip", "-o", "link"))?.[1])) ?? "none";
  const [cutEnd, movedEnd] = [await hostEnd(cut), await hostEnd(moved)];
  const addresses = [cut, moved].map((container) => w.address(container, "front"));
  await w.shut();
  // As a rename that was killed before its networks knew of it.
  renamed.name = "anew";
  await run("ip", ["link", "delete", cutEnd]);
  await run("ip", ["link", "set", movedEnd, "nomaster"]);
  await w.open();
  await w.networks.sandboxes.restore(w.runningContainers());

  assert.deepEqual(await w.resolve(asks, "anew"), [w.address(renamed, "front")]);
  assert.deepEqual(await w.resolve(asks, "renamed"), []);
  assert.deepEqual(
    [cut, moved].map((container) => w.address(container, "front")),
    addresses,
  );
  for (const address of addresses) assert.ok(await w.pings(asks, address), address);
  assert.deepEqual(w.warnings, []);
});

test("connects at the same time are all remembered", async (t) => {
  const w = await world(t);
  const names = ["one", "two", "three", "four"];
  for (const Name of names) await w.networks.manager.create({ Name });
  const web = await w.start("web");
  await Promise.all(names.map((name) => w.networks.manager.connect(name, { Container: "web" })));
  assert.deepEqual(Object.keys(web.endpoints).sort(), ["bridge", ...names].sort());
  await Promise.all(names.map((name) => w.networks.manager.disconnect(name, { Container: "web", Force: false })));
  assert.deepEqual(Object.keys(web.endpoints), ["bridge"]);
});

test("a default bridge that got another subnet keeps the address of before for as long as a container needs it", async (t) => {
  const w = await world(t);
  const { bridge } = w.config;
  const held = bridge.bip ?? "";
  const addresses = async () =>
    [...(await run("ip", ["-o", "address", "show", "dev", bridge.name])).stdout.matchAll(/inet (\S+)/g)].map(([, each]) => each);
  const a = await w.start("a");
  const { prefix } = freeSubnet();
  const wanted = `${prefix}1/24`;
  bridge.bip = wanted;
  await w.reopen();
  await w.networks.ready;
  assert.deepEqual(await addresses(), [held, wanted]);
  assert.ok(await w.pings(a, held.replace("/24", "")), "its way out is there");
  await w.stop(a);
  await w.reopen();
  await w.networks.ready;
  assert.deepEqual(await addresses(), [wanted]);
  // The kernel takes the second address of a subnet with the first.
  bridge.bip = `${prefix}9/24`;
  await w.reopen();
  await w.networks.ready;
  assert.deepEqual(await addresses(), [bridge.bip]);
  assert.ok(w.address(await w.start("b")).startsWith(prefix));
});

test("a default bridge that is not wanted any more goes with its rules, when no container is in it", async (t) => {
  const w = await world(t);
  const { name } = w.config.bridge;
  const a = await w.start("a");
  w.config.bridge.name = "none";
  await w.reopen();
  assert.ok(hostLinks().includes(name));
  assert.match(w.warnings.join(), /the default bridge, which is not wanted any more, stays/);
  assert.ok(await w.pings(a, w.endpoint(a, "bridge").Gateway ?? ""));
  await w.stop(a);
  await w.reopen();
  assert.ok(!hostLinks().includes(name));
  assert.doesNotMatch(await w.nft(), new RegExp(name));
  assert.deepEqual((await w.networks.manager.list({})).map(({ Name }) => Name).sort(), ["host", "none"]);
});

test("a bridge that was lent stays as it is when the default one is not wanted any more", async (t) => {
  const name = `lent${Math.random().toString(36).slice(2, 8)}`;
  await run("ip", ["link", "add", name, "type", "bridge"]);
  t.after(() => run("ip", ["link", "delete", name]));
  const { prefix } = freeSubnet();
  const [lent, given, later] = [`${prefix}9/24`, `${prefix}1/24`, `${freeSubnet().prefix}1/24`];
  await run("ip", ["address", "add", lent, "dev", name]);
  const w = await world(t, { bridge: { name, bip: given, ipv6: false, interContainer: true, masquerade: true } });
  w.config.bridge.bip = later;
  await w.reopen();
  await w.networks.ready;
  const { stdout } = await run("ip", ["-o", "address", "show", "dev", name]);
  for (const address of [lent, given, later]) assert.ok(stdout.includes(` ${address} `), address);
  w.config.bridge.name = "none";
  await w.reopen();
  assert.ok(hostLinks().includes(name));
});

test("after a reboot networks are made anew and containers start with them", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "front", EnableIPv6: true });
  const web = await w.start("web", { networkMode: "front", hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18610" }] } } });
  const subnet = (await w.networks.manager.inspect("front", { verbose: false })).IPAM.Config;
  const own = (await w.networks.manager.list({})).map(({ Id }) => `${w.config.bridgePrefix}${Id.slice(0, 12)}`);
  await w.shut();
  // What a reboot takes: links, namespaces, rules. The state folder stays.
  await run("nft", ["delete", "table", "inet", w.config.nftTable]);
  await run("umount", ["-l", w.netns(web)]);
  for (const name of hostLinks()) {
    if (own.includes(name) || name === w.config.bridge.name) await run("ip", ["link", "delete", name]);
  }
  w.running.clear();
  await w.open();
  await w.networks.sandboxes.restore([]);
  assert.deepEqual((await w.networks.manager.inspect("front", { verbose: false })).IPAM.Config, subnet);
  const again = await w.start("web");
  w.serve(again, 80, "back");
  assert.match((await w.hear(undefined, "127.0.0.1", 18610, 10)) ?? "", /^back/);
  const client = await w.start("client", { networkMode: "front" });
  assert.equal((await w.resolve(client, "web")).length, 2);
});

test("rules that were flushed, changed or removed from outside are put back", async (t) => {
  const w = await world(t, { verifyRulesMilliseconds: 100 });
  const web = await w.start("web", { hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18620" }] } } });
  w.serve(web, 80, "reachable");
  for (const damage of [
    ["delete", "table", "inet", w.config.nftTable],
    ["flush", "table", "inet", w.config.nftTable],
    ["flush", "chain", "inet", w.config.nftTable, "publish"],
    ["add", "rule", "inet", w.config.nftTable, "forward", "drop"],
  ]) {
    const repaired = w.warnings.length + 1;
    await run("nft", damage);
    await eventually(
      `reachable after ${damage.join(" ")}`,
      async () =>
        w.warnings.length >= repaired && (await w.hear(undefined, "127.0.0.1", 18620, 2))?.startsWith("reachable") === true,
      20,
    );
  }
  assert.ok(w.warnings.length >= 4);
  assert.match(w.warnings.join(), /was removed from outside: it is put back/);
});

test("a container starts and stops while the rules are gone", async (t) => {
  const w = await world(t);
  const one = await w.start("one", { hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18630" }] } } });
  w.serve(one, 80, "one");
  await run("nft", ["delete", "table", "inet", w.config.nftTable]);
  const two = await w.start("two", { hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18631" }] } } });
  w.serve(two, 80, "two");
  assert.match((await w.hear(undefined, "127.0.0.1", 18630)) ?? "", /^one/);
  assert.match((await w.hear(undefined, "127.0.0.1", 18631)) ?? "", /^two/);
  await run("nft", ["delete", "table", "inet", w.config.nftTable]);
  await w.stop(one);
  assert.equal(await w.hear(undefined, "127.0.0.1", 18630, 1), undefined);
});

test("nothing is left of starts, connects and removals a kill -9 cut off", async (t) => {
  const w = new NetworksWorld();
  await w.open();
  await w.networks.ready;
  await w.shut();
  const { name, bip = "" } = w.config.bridge;
  const subnet = `${freeSubnet().prefix}0/28`;
  for (let round = 0; round < 6; round++) {
    await churnAndKill([w.root, w.tag, name, bip, subnet], 150 + round * 70);
  }
  const after = await world(t, { root: w.root, tag: w.tag, bridge: w.config.bridge });
  await after.networks.sandboxes.restore([]);
  assert.deepEqual(readdirSync(after.config.namespacesDirectory), []);
  assert.doesNotMatch(await after.nft(), /tcp \. 187\d\d/);
  for (let tries = 0; tries < 400 && hostLinks().some((each) => each.startsWith(after.config.vethPrefix)); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual(
    hostLinks().filter((each) => each.startsWith(after.config.vethPrefix)),
    [],
  );
  // All 13 addresses of the /28 can be had: none is held for the dead.
  for (let index = 0; index < 13; index++) await after.start(`full-${index}`, { networkMode: "churn" });
  await assert.rejects(after.start("full-13", { networkMode: "churn" }), /no available IPv4 addresses/);
});

async function churnAndKill(args: string[], milliseconds: number): Promise<void> {
  const child = spawn(
    process.execPath,
    [
      "--experimental-ffi",
      "--disable-warning=ExperimentalWarning",
      new URL("networks-victim.ts", import.meta.url).pathname,
      ...args,
    ],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`the churning process ended with ${code}`)));
  });
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.removeAllListeners("exit");
  child.kill("SIGKILL");
  await ended;
}

test("fifty containers at once get fifty addresses and ports", async (t) => {
  const w = await world(t);
  const started = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      w.start(`c${index}`, { hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "" }] } } }),
    ),
  );
  assert.equal(new Set(started.map((container) => w.address(container))).size, 50);
  assert.equal(
    new Set(started.map((container) => w.networks.sandboxes.settings(container).Ports["80/tcp"]?.[0]?.HostPort)).size,
    50,
  );
  await Promise.all(started.map((container) => w.stop(container)));
  assert.match(w.address(await w.start("next")), /\.2$/, "all addresses are free again");
});
