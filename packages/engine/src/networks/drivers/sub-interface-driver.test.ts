import assert from "node:assert/strict";
import { test } from "node:test";
import type { Link } from "../linux/links.ts";
import type { NetworkRecord } from "../network-record.ts";
import { SubInterfaceDriver, type SubInterfaceDriverDeps } from "./sub-interface-driver.ts";

const network = { id: "0123456789abcdef", name: "tagged", options: { parent: "eth0.7" } } as unknown as NetworkRecord;

/** A driver over the links of a machine by name, with the commands it gave to ip. */
function driverOver(links: Record<string, Partial<Link>>): { driver: SubInterfaceDriver; commands: string[] } {
  const commands: string[] = [];
  const deps = {
    kind: "macvlan",
    ip: {
      forget: () => undefined,
      run: async (batch: string[]) => void commands.push(...batch),
    },
    links: { find: (name: string) => links[name] },
  };
  // Neither making a parent nor taking it away has to do with namespaces or bandwidth.
  return { driver: new SubInterfaceDriver(deps as unknown as SubInterfaceDriverDeps), commands };
}

test("a VLAN gets its name when it is marked, also one that a killed daemon had begun", async () => {
  const { driver, commands } = driverOver({});
  await driver.createNetwork(network);
  const marked = [
    "link set dev dm-0123456789ab alias pouch-network-0123456789ab",
    "link set dev dm-0123456789ab name eth0.7",
    "link set dev eth0.7 up",
  ];
  assert.deepEqual(commands, ["link add link eth0 name dm-0123456789ab type vlan id 7", ...marked]);
  const begun = driverOver({ "dm-0123456789ab": {} });
  await begun.driver.createNetwork(network);
  assert.deepEqual(begun.commands, marked);
});

test("with a network goes what was made for it, and no interface of the host", async () => {
  const removed = async (links: Record<string, Partial<Link>>): Promise<string[]> => {
    const { driver, commands } = driverOver(links);
    await driver.removeNetwork(network);
    return commands;
  };
  assert.deepEqual(await removed({ "eth0.7": { alias: undefined } }), []);
  assert.deepEqual(await removed({ "eth0.7": { alias: "pouch-network-0123456789ab" } }), ["link delete dev eth0.7"]);
  assert.deepEqual(await removed({ "dm-0123456789ab": {} }), ["link delete dev dm-0123456789ab"]);
});
