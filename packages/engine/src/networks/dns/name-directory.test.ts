import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointRecord } from "../sandbox-record.ts";
import { NameDirectory } from "./name-directory.ts";

function endpoint(networkName: string, dnsNames: string[], ipv4: string, links: string[] = [], ipv6?: string): EndpointRecord {
  return {
    id: `${networkName}-${ipv4}`,
    networkId: networkName,
    networkName,
    driver: "bridge",
    interfaceName: "eth0",
    macAddress: "",
    ipv4: { address: ipv4, prefixLength: 24 },
    ...(ipv6 === undefined ? {} : { ipv6: { address: ipv6, prefixLength: 64 } }),
    internal: false,
    ports: [],
    openings: [],
    priority: 0,
    disableResolver: false,
    genericParams: {},
    driverOptions: {},
    dnsNames,
    aliases: [],
    links,
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
  };
}

test("a name is known in the asker's networks only, as it is or with the network's name behind", () => {
  const names = new NameDirectory();
  const web = endpoint("front", ["web", "www"], "10.1.0.2");
  const own = [endpoint("front", ["me"], "10.1.0.3"), endpoint("back", ["me"], "10.2.0.3")];
  names.add(web);
  assert.deepEqual(names.lookup(own, "Web", 4), ["10.1.0.2"]);
  assert.deepEqual(names.lookup(own, "www.front", 4), ["10.1.0.2"]);
  assert.equal(names.lookup(own, "www.back", 4), undefined);
  assert.equal(names.lookup([endpoint("back", [], "10.2.0.9")], "web", 4), undefined);
  assert.deepEqual(names.lookup(own, "web", 6), [], "a known name without such an address");
  assert.equal(names.reverse(own, "10.1.0.2"), "web.front");
  names.remove(web);
  assert.equal(names.lookup(own, "web", 4), undefined);
  assert.equal(names.reverse(own, "10.1.0.2"), undefined);
});

test("a link is a name for its owner alone", () => {
  const names = new NameDirectory();
  names.add(endpoint("front", ["db"], "10.1.0.2"));
  assert.deepEqual(names.lookup([endpoint("front", [], "10.1.0.3", ["db:database"])], "database", 4), ["10.1.0.2"]);
  assert.equal(names.lookup([endpoint("front", [], "10.1.0.3")], "database", 4), undefined);
});
