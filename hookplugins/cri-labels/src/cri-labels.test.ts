import { loadPlugin, sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";

const directory = new URL("..", import.meta.url);

test("a container knows its pod by labels and environment", async () => {
  const plugin = await loadPlugin(directory);
  const criRequest = { podSandboxId: "p1", sandboxConfig: { metadata: { name: "web-0", namespace: "shop", uid: "u1" } } };
  const { config } = await plugin.call("cri.preCreateContainer", {
    config: sampleContainerConfig({ Env: ["POD_NAME=old"] }),
    criRequest,
  });
  assert.deepEqual(config.Env, ["POD_NAME=web-0", "POD_NAMESPACE=shop", "POD_UID=u1"]);
  assert.deepEqual(config.Labels, {
    "cri-labels/pod-name": "web-0",
    "cri-labels/pod-namespace": "shop",
    "cri-labels/pod-uid": "u1",
  });
});

test("a request without a sandbox is left alone", async () => {
  const plugin = await loadPlugin(directory);
  const request = sampleContainerConfig();
  assert.deepEqual((await plugin.call("cri.preCreateContainer", { config: request, criRequest: {} })).config, request);
});
