import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkDriver } from "./drivers/network-driver.ts";
import { planNetwork } from "./plan-network.ts";

// What a plan asks of a driver.
const bridge = { name: "bridge", managesAddresses: () => true, validate: () => undefined } as unknown as NetworkDriver;
const deps = { drivers: { get: (name: string) => (name === "bridge" ? bridge : undefined) }, clock: () => new Date(0) };
const nowhere = { defaultPools: [{ base: "10.9.0.0/16", size: 24 }], networks: [], hostRoutes: [], others: [] };

test("a network of which none can be made is refused, whichever others there are", () => {
  for (const [config, message] of [
    [{ Driver: "magic" }, 'plugin "magic" not found'],
    [{ IPAM: { Driver: "magic" } }, 'plugin "magic" not found'],
    [{ IPAM: { Config: [{ Gateway: "10.0.0.1" }] } }, "no matching subnet for gateway, ip-range or aux-address"],
    [{ EnableIPv4: false }, "IPv4 or IPv6 must be enabled"],
  ] as const)
    assert.throws(() => planNetwork(deps, { Name: "n", ...structuredClone(config) } as never, nowhere), { message });
});

test("a network that is planned has a subnet and a gateway", () => {
  const { driver, ipam } = planNetwork(deps, { Name: "n" }, nowhere);
  assert.deepEqual([driver, ipam.config, ipam.chosen], ["bridge", [{ Subnet: "10.9.0.0/24", Gateway: "10.9.0.1" }], false]);
});
