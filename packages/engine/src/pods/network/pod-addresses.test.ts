import assert from "node:assert/strict";
import { test } from "node:test";
import { podAddresses } from "./pod-addresses.ts";

const interfaces = [{ name: "br0" }, { name: "veth1" }, { name: "eth0", sandbox: "/run/net" }];

test("of a result the addresses of the pod's interface count, IPv4 before IPv6", () => {
  const ips = [
    { address: "fd00::2/64", interface: 2 },
    { address: "10.0.0.1/24", interface: 0 },
    { address: "10.0.0.2/24", interface: 2 },
    { address: "10.1.0.2/24" },
  ];
  assert.deepEqual(podAddresses({ interfaces, ips }), ["10.0.0.2", "10.1.0.2", "fd00::2"]);
});

test("a pod without an address, or with one that is none, is refused", () => {
  for (const ips of [undefined, [], [{ address: "10.0.0.1/24", interface: 0 }], [{ address: "somewhere" }]])
    assert.throws(() => podAddresses({ interfaces, ...(ips && { ips }) }), /no address on eth0/);
});
