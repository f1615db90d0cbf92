import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultRouteChanges } from "./default-routes.ts";
import type { EndpointRecord } from "./sandbox-record.ts";

function endpoint(interfaceName: string, change: Partial<EndpointRecord>): EndpointRecord {
  const base = {
    id: interfaceName,
    networkId: "",
    networkName: interfaceName,
    driver: "bridge",
    interfaceName,
    macAddress: "",
    internal: false,
    ports: [],
    openings: [],
  };
  const settings = {
    priority: 0,
    disableResolver: false,
    genericParams: {},
    driverOptions: {},
    dnsNames: [],
    aliases: [],
    links: [],
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
  };
  return { ...base, ...settings, ...change };
}

const via = (gateway: string) => ({ address: "x", prefixLength: 24, gateway });

test("the highest priority gives the default route of each family it has, then the network's name", () => {
  const a = endpoint("eth0", { networkName: "zebra", ipv4: via("10.0.0.1"), ipv6: via("fd00::1") });
  const b = endpoint("eth1", { networkName: "ant", ipv4: via("10.1.0.1") });
  assert.deepEqual(defaultRouteChanges([a, b]), [
    { do: "default route", device: "eth1", family: 4, gateway: "10.1.0.1" },
    { do: "default route", device: "eth0", family: 6, gateway: "fd00::1" },
  ]);
  assert.equal(defaultRouteChanges([{ ...a, priority: 1 }, b])[0]?.device, "eth0");
});

test("internal networks give none, routed ones a route without a gateway", () => {
  assert.deepEqual(defaultRouteChanges([endpoint("eth0", { internal: true, priority: 9, ipv4: via("10.0.0.1") })]), []);
  assert.deepEqual(defaultRouteChanges([endpoint("eth0", { ipv4: { address: "10.0.0.2", prefixLength: 24, onDevice: true } })]), [
    { do: "default route", device: "eth0", family: 4 },
  ]);
});
