import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkedContainer } from "./container-networks.ts";
import { endpointDifferences } from "./endpoint-differences.ts";
import type { NetworkRecord } from "./network-record.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";

const networks = [
  { id: "1", name: "bridge", driver: "bridge" },
  { id: "2", name: "front", driver: "bridge" },
  { id: "3", name: "none", driver: "null" },
] as NetworkRecord[];
const registry = { find: (ref: string) => networks.find(({ id, name }) => id === ref || name === ref) };

function differences(container: Partial<NetworkedContainer>, inNetworks: string[], mode: SandboxRecord["mode"] = "namespace") {
  // The rest of both records is of no account here.
  const endpoints = inNetworks.map((networkId) => ({ networkId }) as EndpointRecord);
  const asked = { networkMode: "bridge", endpoints: {}, ...container } as NetworkedContainer;
  const { surplus, missing } = endpointDifferences(asked, { mode, endpoints }, registry);
  return { surplus: surplus.map(({ networkId }) => networkId), missing: missing.map(({ network }) => network.id) };
}

test("an endpoint in a network the container does not name is surplus", () => {
  assert.deepEqual(differences({ endpoints: { bridge: {} } }, ["1", "2"]), { surplus: ["2"], missing: [] });
  assert.deepEqual(differences({ endpoints: {}, endpointsSettled: true }, ["1"]), { surplus: ["1"], missing: [] });
});

test("a network the container names without an endpoint in it is missing, by whatever it is named", () => {
  assert.deepEqual(differences({ endpoints: { bridge: {}, 2: {} } }, ["1"]), { surplus: [], missing: ["2"] });
  assert.deepEqual(differences({ endpoints: { bridge: {}, 2: {} } }, ["1", "2"]), { surplus: [], missing: [] });
});

test("the network of the mode counts when nothing was ever connected or disconnected", () => {
  assert.deepEqual(differences({}, ["1"]), { surplus: [], missing: [] });
  assert.deepEqual(differences({ networkMode: "default" }, ["1"]), { surplus: [], missing: [] });
});

test("nobody has an endpoint in a network that is gone, in none or in the host's", () => {
  assert.deepEqual(differences({ endpoints: { bridge: {}, gone: {} } }, ["1"]), { surplus: [], missing: [] });
  assert.deepEqual(differences({ networkMode: "none" }, []), { surplus: [], missing: [] });
  assert.deepEqual(differences({ networkMode: "host" }, [], "host"), { surplus: [], missing: [] });
});
