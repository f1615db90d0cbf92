import { loadPlugin, sampleEndpoint } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";

const directory = new URL("..", import.meta.url);

async function endpointFor(...env: string[]) {
  const plugin = await loadPlugin(directory);
  return (await plugin.call("container.preCreateEndpoint", { id: "c1", env, endpoint: sampleEndpoint({ networkName: "web" }) }))
    .endpoint;
}

test("the primary network's endpoint comes first, others stay where they are", async () => {
  assert.equal((await endpointFor("PRIMARY_NETWORK=web")).priority, 100);
  assert.equal((await endpointFor("PRIMARY_NETWORK=other")).priority, 0);
});

test("the resolver is left out and the bandwidth reaches the driver", async () => {
  const endpoint = await endpointFor("NO_EMBEDDED_DNS=1", "NETWORK_BANDWIDTH=10mbit");
  assert.deepEqual([endpoint.disableResolver, endpoint.genericParams], [true, { "bandwidth.rate": "10mbit" }]);
});

test("a bandwidth that is none is refused", async () => {
  await assert.rejects(endpointFor("NETWORK_BANDWIDTH=fast"), {
    kind: "invalidArgument",
    message:
      'plugin "endpoint-policy" at container.preCreateEndpoint: NETWORK_BANDWIDTH must be a rate such as 10mbit, got "fast"',
  });
});
