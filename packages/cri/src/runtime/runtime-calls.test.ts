import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { CgroupDriver, RuntimeService } from "../gen/runtime_v1_pb.ts";
import { runtimeCalls } from "./runtime-calls.ts";
import type { RuntimeDeps } from "./runtime-deps.ts";
import { forever } from "../testing/fake-images.ts";

const { version, status, runtimeConfig, updateRuntimeConfig } = RuntimeService.method;

function callsWith(more: Partial<RuntimeDeps> = {}) {
  return runtimeCalls({
    version: "1.2.3",
    cgroupDriver: "cgroupfs",
    runtimeReadiness: async () => ({ ready: true }),
    networkReadiness: async () => ({ ready: true }),
    handlers: [{ name: "", features: { recursiveReadOnlyMounts: true, userNamespaces: false } }],
    features: { supplementalGroupsPolicy: true, userNamespacesHostNetwork: false, mountOptions: false },
    configuration: () => ({ snapshotter: "overlayfs" }),
    ...more,
  });
}

test("the version tells the API by the name it was called with", async () => {
  const calls = callsWith();
  for (const apiVersion of ["v1", "v1alpha2"] as const) {
    assert.deepEqual(await calls.version(create(version.input), { ...forever, apiVersion }), {
      version: "0.1.0",
      runtimeName: "pouch",
      runtimeVersion: "1.2.3",
      runtimeApiVersion: apiVersion,
    });
  }
});

test("the status has both conditions, with why one is not met, and handlers with their features", async () => {
  const calls = callsWith({
    networkReadiness: async () => ({ ready: false, reason: "NetworkPluginNotReady", message: "no list" }),
  });
  const { status: told, runtimeHandlers, features, info } = await calls.status(create(status.input), forever);
  assert.deepEqual(told?.conditions, [
    { type: "RuntimeReady", status: true, reason: "", message: "" },
    { type: "NetworkReady", status: false, reason: "NetworkPluginNotReady", message: "no list" },
  ]);
  assert.deepEqual(runtimeHandlers, [{ name: "", features: { recursiveReadOnlyMounts: true, userNamespaces: false } }]);
  assert.equal(features?.supplementalGroupsPolicy, true);
  assert.equal(info, undefined);
});

test("a verbose status shows the configuration", async () => {
  const { info } = await callsWith().status(create(status.input, { verbose: true }), forever);
  assert.deepEqual(JSON.parse(info?.["config"] ?? ""), { snapshotter: "overlayfs" });
});

test("the kubelet is told the cgroup driver", async () => {
  const driverOf = async (cgroupDriver: RuntimeDeps["cgroupDriver"]) =>
    (await callsWith({ cgroupDriver }).runtimeConfig(create(runtimeConfig.input), forever)).linux?.cgroupDriver;
  assert.equal(await driverOf("systemd"), CgroupDriver.SYSTEMD);
  assert.equal(await driverOf("cgroupfs"), CgroupDriver.CGROUPFS);
});

test("a pod network that the kubelet tells changes nothing", async () => {
  const request = create(updateRuntimeConfig.input, { runtimeConfig: { networkConfig: { podCidr: "10.1.0.0/24" } } });
  assert.deepEqual(await callsWith().updateRuntimeConfig(request, forever), {});
});
