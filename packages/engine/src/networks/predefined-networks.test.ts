import assert from "node:assert/strict";
import { test } from "node:test";
import { networksConfig } from "./default-networks-config.ts";
import { checkDefaultBridge, defaultBridge } from "./predefined-networks.ts";

const { bridge, defaultPools } = networksConfig({ namespacesDirectory: "/nowhere" });
const around = { defaultPools: [{ base: "10.250.0.0/16", size: 24 }], networks: [], hostRoutes: [] };

function ipamOf(flags: object, ...flagsBefore: object[]) {
  const records = [...flagsBefore, flags].reduce(
    (before: ReturnType<typeof defaultBridge> | undefined, each) =>
      defaultBridge({ ...bridge, ...each }, around, before, new Date()),
    undefined,
  );
  return records?.ipam.config;
}

test("a default gateway without a subnet is taken when it lies in the subnet that is chosen, or was before", () => {
  const gateway = "10.250.0.254";
  assert.deepEqual(ipamOf({ gateway }), [{ Subnet: "10.250.0.0/24", Gateway: gateway }]);
  assert.deepEqual(ipamOf({ gateway: "10.99.0.9" }, { bip: "10.99.0.1/16" }), [{ Subnet: "10.99.0.0/16", Gateway: "10.99.0.9" }]);
});

test("one that lies outside is refused with the subnet and the way out", () => {
  assert.throws(
    () => ipamOf({ gateway: "10.251.0.1" }),
    /--default-gateway 10.251.0.1 is outside the default bridge's subnet 10.250.0.0\/24: give the subnet by --bip or --fixed-cidr too/,
  );
  assert.throws(
    () => ipamOf({ ipv6: true, gatewayV6: "fd00::1" }),
    /--default-gateway-v6 fd00::1 is outside .* by --fixed-cidr-v6 too/,
  );
});

test("before the subnet of before is known, a gateway alone is not refused", () => {
  checkDefaultBridge({ bridge: { ...bridge, gateway: "10.99.0.9", ipv6: true, gatewayV6: "fd00::1" }, defaultPools });
  assert.throws(
    () => checkDefaultBridge({ bridge: { ...bridge, bip: "10.1.0.1/24", gateway: "10.2.0.1" }, defaultPools }),
    /--bip 10.1.0.1\/24, --default-gateway 10.2.0.1/,
  );
});

test("a part of the subnet that addresses came from is given up with its flag", () => {
  const { Subnet, Gateway } = ipamOf({ fixedCidr: "10.99.0.0/24" })?.[0] ?? {};
  assert.deepEqual(ipamOf({}, { fixedCidr: "10.99.0.0/24" }), [{ Subnet, Gateway }]);
});
