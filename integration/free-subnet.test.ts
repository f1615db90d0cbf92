import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { test, type TestContext } from "node:test";
import { Daemon } from "./harness/daemon.ts";
import { freeSubnet, type Subnet } from "./harness/free-subnet.ts";

/** Two that choose upwards from the same number meet. */
const upFrom = (number: number) => (count: number) => number++ % count;

/** What is free to a process that has ended since. */
function freeElsewhere(first: number): Subnet {
  const harness = JSON.stringify(new URL("harness/free-subnet.ts", import.meta.url));
  const choice = `let number = ${first}; const draw = (count) => number++ % count;`;
  const source = `const { freeSubnet } = await import(${harness}); ${choice} console.log(JSON.stringify(freeSubnet(draw)));`;
  // What a process prints that was written here is known.
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", source], { encoding: "utf8" })) as Subnet;
}

/** An interface that somebody else has. */
function foreignLink(t: TestContext, ...address: string[]): void {
  const name = `fs${process.pid}`;
  execFileSync("ip", ["link", "add", name, "type", "bridge"]);
  t.after(() => execFileSync("ip", ["link", "delete", name]));
  execFileSync("ip", ["link", "set", name, "up"]);
  execFileSync("ip", ["address", "add", ...address, "dev", name]);
}

test("what one test was given is given to no other, in this process and beside it", () => {
  const first = randomInt(8192);
  const mine = [freeSubnet(upFrom(first)), freeSubnet(upFrom(first))];
  const all = [...mine, freeElsewhere(first)];
  assert.equal(new Set(all.map(({ cidr }) => cidr)).size, 3);
  assert.equal(new Set(all.map(({ cidr6 }) => cidr6)).size, 3);
});

for (const [family, addressIn] of [
  ["IPv4", ({ prefix }: Subnet) => [`${prefix}77/28`]],
  ["IPv6", ({ prefix6 }: Subnet) => [`${prefix6}77/64`, "nodad"]],
] as const)
  test(`what the machine has a route of ${family} into is given to nobody`, (t) => {
    const first = randomInt(8192);
    const free = freeElsewhere(first);
    foreignLink(t, ...addressIn(free));
    assert.notEqual(freeSubnet(upFrom(first)).cidr, free.cidr);
  });

test("a daemon that comes back has its default bridge's subnet for itself, whichever others have started meanwhile", async () => {
  await using first = await Daemon.start({ image: false });
  await first.stop();
  await using second = await Daemon.start({ image: false });
  await first.launch();
  const subnets = await Promise.all([first, second].map((daemon) => daemon.api("GET", "/networks/bridge")));
  const [one, two] = subnets.map((answer) => answer.json<{ IPAM: { Config: { Subnet: string }[] } }>().IPAM.Config[0]?.Subnet);
  assert.notEqual(one, two);
});
