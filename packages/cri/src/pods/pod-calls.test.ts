import type { PodConfig } from "@pouchcontainer/engine";
import { forbidden, GrpcCode } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { NamespaceMode, PodSandboxState } from "../gen/runtime_v1_pb.ts";
import { FakePods, podDeps } from "../testing/fake-pods.ts";
import { serveCri } from "../testing/serve-cri.ts";
import { apiVersions } from "../wire/services.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import { podCalls } from "./pod-calls.ts";

async function serve(t: TestContext, more: Partial<PodCallDeps> = {}) {
  const pods = new FakePods();
  const served = await serveCri({ runtime: podCalls(podDeps(pods, more)) });
  t.after(() => served[Symbol.asyncDispose]());
  return { pods, client: served.runtime(), runtime: (version: (typeof apiVersions)[number]) => served.runtime(version) };
}

const config = {
  metadata: { name: "web", uid: "u1", namespace: "shop", attempt: 2 },
  hostname: "web-0",
  labels: { app: "web" },
  annotations: { note: "kept" },
};

test("a pod is run, shown and removed, under both names", async (t) => {
  const { pods, runtime } = await serve(t);
  for (const version of apiVersions) {
    const client = runtime(version);
    const { podSandboxId } = await client.runPodSandbox({ config, runtimeHandler: "runc" });
    const { status, timestamp, info } = await client.podSandboxStatus({ podSandboxId: podSandboxId.slice(0, 5), verbose: true });
    assert.equal(status?.id, podSandboxId);
    assert.deepEqual(
      [status.state, status.createdAt, status.runtimeHandler, status.labels, status.annotations],
      [PodSandboxState.SANDBOX_READY, 1_767_323_045_000_000_006n, "runc", config.labels, config.annotations],
    );
    assert.deepEqual([status.network?.ip, status.network?.additionalIps.map(({ ip }) => ip)], ["192.0.2.7", ["fd00::7"]]);
    assert.equal(timestamp, 1_000_000_000n);
    assert.equal((JSON.parse(info["info"] ?? "") as { config: PodConfig }).config.hostname, "web-0");
    await client.stopPodSandbox({ podSandboxId });
    const after = (await client.podSandboxStatus({ podSandboxId })).status;
    assert.deepEqual([after?.state, after?.network?.ip], [PodSandboxState.SANDBOX_NOTREADY, ""]);
    await client.removePodSandbox({ podSandboxId });
    await client.removePodSandbox({ podSandboxId });
    await assert.rejects(client.podSandboxStatus({ podSandboxId }), { code: GrpcCode.notFound });
  }
  assert.equal(pods.records.size, 0);
});

test("lists have what all of the filter holds for, whole and in parts", async (t) => {
  const { pods, client } = await serve(t);
  for (let index = 0; index < 120; index++)
    await client.runPodSandbox({ config: { ...config, metadata: { ...config.metadata, name: `p${index}` } } });
  const [first, second] = [...pods.records.keys()];
  await client.stopPodSandbox({ podSandboxId: first ?? "" });
  const count = async (filter: object): Promise<number> => (await client.listPodSandbox({ filter })).items.length;
  assert.deepEqual(
    [
      await count({}),
      await count({ state: { state: PodSandboxState.SANDBOX_NOTREADY } }),
      await count({ state: { state: PodSandboxState.SANDBOX_READY }, labelSelector: { app: "web" } }),
      await count({ labelSelector: { app: "other" } }),
      await count({ id: second ?? "" }),
      await count({ id: "none" }),
    ],
    [120, 1, 119, 0, 1, 0],
  );
  const parts: number[] = [];
  for await (const { podSandboxes } of client.streamPodSandboxes({})) parts.push(podSandboxes.length);
  assert.deepEqual(parts, [100, 20]);
});

test("what plugins make of a pod's configuration is what is made, with their calls", async (t) => {
  const seen: unknown[] = [];
  const { pods, client } = await serve(t, {
    preRunPodSandbox: async (draft, request, { podName, labels }) => {
      seen.push(request, podName, labels);
      return { ...draft, hostname: "other", linux: { resources: { cpuShares: 512 } } };
    },
  });
  await client.runPodSandbox({ config, runtimeHandler: "runc" });
  const [pod] = pods.records.values();
  assert.deepEqual([pod?.config.hostname, pod?.config.resources], ["other", { cpuShares: 512 }]);
  assert.deepEqual(seen, [{ config, runtimeHandler: "runc" }, "web", config.labels]);
});

test("a plugin's refusal is the call's, and nothing is made", async (t) => {
  const { pods, client } = await serve(t, { preRunPodSandbox: () => Promise.reject(forbidden("not here")) });
  await assert.rejects(client.runPodSandbox({ config }), { code: GrpcCode.permissionDenied, message: /not here/ });
  assert.equal(pods.records.size, 0);
});

test("bad requests have the codes that clients know", async (t) => {
  const { pods, client } = await serve(t);
  await assert.rejects(client.runPodSandbox({}), { code: GrpcCode.invalidArgument });
  await assert.rejects(client.runPodSandbox({ config: {} }), { code: GrpcCode.invalidArgument });
  await assert.rejects(client.runPodSandbox({ config, runtimeHandler: "kata" }), { code: GrpcCode.invalidArgument });
  const namespaceOptions = { usernsOptions: { mode: NamespaceMode.POD } };
  await assert.rejects(client.runPodSandbox({ config: { ...config, linux: { securityContext: { namespaceOptions } } } }), {
    code: GrpcCode.unimplemented,
    message: /user namespaces/,
  });
  assert.equal(pods.records.size, 0);
  const { podSandboxId } = await client.runPodSandbox({ config });
  await assert.rejects(client.runPodSandbox({ config }), { code: GrpcCode.alreadyExists });
  for (const call of [
    () => client.podSandboxStatus({ podSandboxId: "none" }),
    () => client.podSandboxStats({ podSandboxId: "none" }),
    () => client.updatePodSandboxResources({ podSandboxId: "none" }),
    () => client.portForward({ podSandboxId: "none" }),
  ])
    await assert.rejects(call(), { code: GrpcCode.notFound });
  await client.stopPodSandbox({ podSandboxId: "none" });
  await client.stopPodSandbox({ podSandboxId });
  await assert.rejects(client.podSandboxStats({ podSandboxId }), { code: GrpcCode.failedPrecondition });
  await assert.rejects(client.portForward({ podSandboxId }), { code: GrpcCode.failedPrecondition });
});

test("limits are noted, and ports promised by the whole id", async (t) => {
  const { pods, client } = await serve(t);
  const { podSandboxId } = await client.runPodSandbox({ config });
  await client.updatePodSandboxResources({ podSandboxId, resources: { cpuQuota: -1n, memoryLimitInBytes: 1n << 30n } });
  assert.deepEqual(pods.updates, [{ id: podSandboxId, resources: { cpuQuotaMicroseconds: -1, memoryLimitBytes: 1 << 30 } }]);
  const { url } = await client.portForward({ podSandboxId: podSandboxId.slice(0, 9), port: [80, 443] });
  assert.equal(url, `http://127.0.0.1/${podSandboxId}/80,443`);
});
