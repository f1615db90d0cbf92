import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { NamespaceMode, PodSandboxConfigSchema, Protocol, type PodSandboxConfig } from "../gen/runtime_v1_pb.ts";
import { translatePod, type TranslationSettings } from "./translate-pod.ts";

const metadata = { name: "web", uid: "u1", namespace: "shop", attempt: 3 };

type Given = Exclude<MessageInitShape<typeof PodSandboxConfigSchema>, PodSandboxConfig>;

function translated(more: Given = {}, settings: Partial<TranslationSettings> = {}) {
  return translatePod(create(PodSandboxConfigSchema, { metadata, ...more }), {
    runtimeHandler: "",
    cgroupDriver: "cgroupfs",
    ...settings,
  });
}

test("a pod that says nothing shares all its namespaces and has the host's name servers", () => {
  assert.deepEqual(translated(), {
    metadata,
    hostname: "",
    domainname: "",
    logDirectory: "",
    ports: [],
    labels: {},
    annotations: {},
    namespaces: { network: "pod", ipc: "pod", pid: "pod" },
    cgroupParent: "",
    sysctls: {},
    privileged: false,
    runtimeHandler: "",
  });
  assert.equal(translated({ dnsConfig: {} }).dns, undefined);
});

test("everything that is said has its place", () => {
  const made = translated(
    {
      hostname: "web-0",
      logDirectory: "/var/log/pods/x",
      dnsConfig: { servers: ["192.0.2.53"], searches: ["svc"], options: ["ndots:5"] },
      portMappings: [{ protocol: Protocol.UDP, containerPort: 53, hostPort: 5353, hostIp: "127.0.0.1" }, { containerPort: 80 }],
      linux: {
        cgroupParent: "/kubepods/pod1",
        sysctls: { "kernel.shmmni": "5" },
        securityContext: { privileged: true, namespaceOptions: { pid: NamespaceMode.CONTAINER, ipc: NamespaceMode.NODE } },
        resources: { cpuPeriod: 100_000n, cpuQuota: -1n, unified: { "memory.high": "1" } },
        overhead: { memoryLimitInBytes: 5n, cpusetCpus: "0-1" },
      },
    },
    { runtimeHandler: "runc" },
  );
  assert.deepEqual(made.dns, { servers: ["192.0.2.53"], searches: ["svc"], options: ["ndots:5"] });
  assert.deepEqual(made.ports, [
    { protocol: "udp", containerPort: 53, hostPort: 5353, hostIp: "127.0.0.1" },
    { protocol: "tcp", containerPort: 80, hostPort: 0, hostIp: "" },
  ]);
  assert.deepEqual(made.namespaces, { network: "pod", ipc: "node", pid: "container" });
  assert.deepEqual(made.resources, { cpuPeriodMicroseconds: 100_000, cpuQuotaMicroseconds: -1, unified: { "memory.high": "1" } });
  assert.deepEqual(made.overhead, { memoryLimitBytes: 5, cpusetCpus: "0-1" });
  assert.deepEqual(
    [made.hostname, made.logDirectory, made.cgroupParent, made.privileged, made.runtimeHandler],
    ["web-0", "/var/log/pods/x", "/kubepods/pod1", true, "runc"],
  );
});

test("a pod in the host's network has the host's name", () => {
  const linux = { securityContext: { namespaceOptions: { network: NamespaceMode.NODE } } };
  assert.equal(translated({ hostname: "web-0", linux }).hostname, "");
});

test("systemd is told a slice by its own name", () => {
  const cgroupParent = "/kubepods.slice/kubepods-pod1.slice/";
  assert.equal(translated({ linux: { cgroupParent } }, { cgroupDriver: "systemd" }).cgroupParent, "kubepods-pod1.slice");
  assert.equal(translated({ linux: { cgroupParent } }).cgroupParent, cgroupParent);
});

test("what no pod can be is refused in words", () => {
  const options = (namespaceOptions: object) => ({ linux: { securityContext: { namespaceOptions } } });
  assert.throws(
    () => translatePod(create(PodSandboxConfigSchema), { runtimeHandler: "", cgroupDriver: "cgroupfs" }),
    /must include metadata/,
  );
  assert.throws(() => translated(options({ network: NamespaceMode.CONTAINER })), /network namespace .* CONTAINER/);
  assert.throws(() => translated(options({ pid: NamespaceMode.TARGET })), /pid namespace .* TARGET/);
  assert.throws(
    () => translated(options({ usernsOptions: { mode: NamespaceMode.POD } })),
    (error: unknown) => isKind(error, "notImplemented"),
  );
  assert.equal(translated(options({ usernsOptions: { mode: NamespaceMode.NODE } })).namespaces.network, "pod");
  assert.throws(() => translated({ portMappings: [{ protocol: 7 as Protocol }] }), /no protocol 7/);
});
