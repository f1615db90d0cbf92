import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { invalidArgument } from "@pouchcontainer/errors";
import { CreateContainerRequestSchema, NamespaceMode, type ContainerConfigSchema } from "../gen/runtime_v1_pb.ts";
import { containersDeps, fakeChains, FakeContainers, FakePods, idOf, podRecord } from "../testing/fake-containers.ts";
import { forever } from "../testing/fake-images.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { createContainer } from "./create-container.ts";

type Config = Exclude<MessageInitShape<typeof ContainerConfigSchema>, MessageShape<typeof ContainerConfigSchema>>;

function world(more: Partial<ContainersDeps> = {}) {
  const containers = new FakeContainers();
  const deps = containersDeps(containers, more);
  const ask = (config: Config = {}, podSandboxId = idOf("web")) =>
    createContainer(deps)(
      create(CreateContainerRequestSchema, {
        podSandboxId,
        config: { metadata: { name: "app" }, image: { image: "busybox" }, ...config },
        sandboxConfig: { metadata: { name: "web", namespace: "shop", uid: "u1" }, logDirectory: "/var/log/pods/web" },
      }),
      forever,
    );
  return { containers, deps, ask };
}

test("a container is made in its pod, with its log there and what was said of it kept", async () => {
  const { containers, ask } = world();
  const { containerId } = await ask({ logPath: "app/0.log", labels: { app: "shop" }, annotations: { note: "x" } });
  const [made] = containers.created;
  assert.equal(containerId, containers.all[0]?.id);
  assert.equal(made?.from.pod?.logPath, "/var/log/pods/web/app/0.log");
  assert.equal(made?.from.pod?.podId, idOf("web"));
  assert.deepEqual(made?.from.cri?.identity?.labels, { app: "shop" });
  assert.deepEqual(made?.body.Labels, { app: "shop", "io.kubernetes.sandbox.id": idOf("web") });
  assert.equal(made?.body.Name, "k8s_app_web_shop_u1_0");
});

test("plugins see the body and the request with its sandbox, and what they change is made and told", async () => {
  const seen: unknown[] = [];
  const { containers, ask } = world({
    chains: fakeChains(async (body, criRequest, { calls }) => {
      seen.push(criRequest);
      calls?.push({
        sequence: 1,
        time: "t",
        plugin: "p",
        version: "1",
        point: "cri.preCreateContainer",
        durationMs: 1,
        outcome: "changed",
      });
      return { ...body, Env: ["A=b"], Labels: { ...body.Labels, added: "yes" } };
    }),
  });
  await ask();
  const [request] = seen as { sandboxConfig: { metadata: object }; podSandboxId: string; config: { image: object } }[];
  assert.deepEqual(request?.sandboxConfig.metadata, { name: "web", namespace: "shop", uid: "u1" });
  assert.deepEqual(request?.config.image, { image: "busybox" });
  const [made] = containers.created;
  assert.deepEqual(made?.body.Env, ["A=b"]);
  assert.deepEqual(made?.from.cri?.identity?.labels, { added: "yes" });
  assert.deepEqual(
    made?.from.calls?.map(({ plugin }) => plugin),
    ["p"],
  );
});

test("a plugin that refuses fails the call, and nothing is made", async () => {
  const { containers, ask } = world({
    chains: fakeChains(async () => {
      throw invalidArgument('plugin "strict" at cri.preCreateContainer: no');
    }),
  });
  await assert.rejects(ask(), { kind: "invalidArgument", message: /strict/ });
  assert.deepEqual(containers.all, []);
});

test("a request with its sandbox left out is shown with the pod's", async () => {
  const seen: { sandboxConfig?: { metadata?: object } }[] = [];
  const { deps } = world({
    chains: fakeChains(async (body, criRequest) => (seen.push(Object(criRequest)), body)),
  });
  const request = { podSandboxId: idOf("web"), config: { metadata: { name: "a" }, image: { image: "b" } } };
  await createContainer(deps)(create(CreateContainerRequestSchema, request), forever);
  assert.deepEqual(seen[0]?.sandboxConfig?.metadata, { name: "web", uid: "u1", namespace: "shop", attempt: 0 });
});

test("bad requests are refused before anything is made", async () => {
  const { containers, ask, deps } = world();
  const invalid = { kind: "invalidArgument" };
  await assert.rejects(ask({}, "0".repeat(64)), { kind: "notFound" });
  await assert.rejects(ask({ metadata: { name: "" } }), invalid);
  await assert.rejects(ask({ image: { image: "" } }), invalid);
  await assert.rejects(ask({ logPath: "../../etc/passwd" }), invalid);
  await assert.rejects(ask({ envs: [{ key: "A", value: Uint8Array.of(0xff) }] }), invalid);
  await assert.rejects(ask({ linux: { securityContext: { privileged: true } } }), { kind: "failedPrecondition" });
  await assert.rejects(
    createContainer(deps)(create(CreateContainerRequestSchema, { podSandboxId: idOf("web") }), forever),
    invalid,
  );
  assert.deepEqual(containers.created, []);
});

test("a pod that is not ready takes no container, also when it ends while plugins are asked", async () => {
  const pods = new FakePods(podRecord("web"));
  const end = () => pods.all.splice(0, 1, { ...podRecord("web"), state: "notReady" });
  const { containers, ask } = world({ pods, chains: fakeChains(async (body) => (end(), body)) });
  await assert.rejects(ask(), { kind: "failedPrecondition" });
  await assert.rejects(ask(), { kind: "failedPrecondition" });
  assert.deepEqual(containers.created, []);
});

test("a name is given once", async () => {
  const { ask } = world();
  const { containerId } = await ask();
  await assert.rejects(ask(), {
    kind: "alreadyExists",
    message: `the container name "k8s_app_web_shop_u1_0" is reserved for ${containerId}`,
  });
  await ask({ metadata: { name: "app", attempt: 1 } });
});

test("a client that has gone while plugins were asked gets none", async () => {
  const gone = new AbortController();
  const { containers, deps } = world({ chains: fakeChains(async (body) => (gone.abort(), body)) });
  const request = { podSandboxId: idOf("web"), config: { metadata: { name: "a" }, image: { image: "b" } } };
  await assert.rejects(createContainer(deps)(create(CreateContainerRequestSchema, request), { ...forever, signal: gone.signal }));
  assert.deepEqual(containers.created, []);
});

test("processes are seen as the request says: the pod's, its own, or those of another container", async () => {
  const shared = podRecord("web", { namespaces: { network: "pod", ipc: "pod", pid: "pod" } });
  const { containers, ask } = world({ pods: new FakePods(shared, podRecord("other")) });
  const pidOf = async (name: string, pid: NamespaceMode, targetId = "", pod = "web") => {
    await ask({ metadata: { name }, linux: { securityContext: { namespaceOptions: { pid, targetId } } } }, idOf(pod));
    return containers.created.at(-1)?.from.pod?.namespaces.pid;
  };
  assert.equal(await pidOf("a", NamespaceMode.POD), "pod");
  assert.equal(await pidOf("b", NamespaceMode.CONTAINER), "container");
  // Who was not given the host's processes with the pod has them in no container.
  assert.equal(await pidOf("c", NamespaceMode.NODE), "pod");
  const target = containers.all[0]?.id ?? "";
  await assert.rejects(pidOf("d", NamespaceMode.TARGET, target), { kind: "failedPrecondition" });
  containers.change(target, { status: "running", pid: 4711 });
  assert.equal(await pidOf("d", NamespaceMode.TARGET, target), "/proc/4711/ns/pid");
  await assert.rejects(pidOf("e", NamespaceMode.TARGET, target, "other"), { kind: "invalidArgument" });
  await assert.rejects(pidOf("e", NamespaceMode.TARGET, "beef"), { kind: "notFound" });
  assert.equal(await pidOf("f", NamespaceMode.POD, "", "other"), "container");
  assert.equal(await pidOf("g", NamespaceMode.NODE, "", "other"), "container");
});
