import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkPodConfig } from "./check-pod-config.ts";
import type { PodConfig } from "./pod-config.ts";
import { samplePodConfig } from "./sample-config.ts";

const metadata = { name: "web", uid: "u1", namespace: "shop", attempt: 0 };
const port = { protocol: "tcp" as const, containerPort: 80, hostPort: 8080, hostIp: "" };

const refused: Record<string, Partial<PodConfig>> = {
  "metadata.name of the pod is empty": { metadata: { ...metadata, name: "" } },
  'metadata.namespace of the pod is not a name: "a;K8S_POD_NAME=b"': {
    metadata: { ...metadata, namespace: "a;K8S_POD_NAME=b" },
  },
  'the host name "a b"': { hostname: "a b" },
  "more than 64 characters": { hostname: "a".repeat(65) },
  "is not one word": { dns: { servers: ["192.0.2.1\nnameserver 192.0.2.2"], searches: [], options: [] } },
  "70000 is not a port": { ports: [{ ...port, hostPort: 70_000 }] },
  "leads to no port": { ports: [{ ...port, containerPort: 0 }] },
  "localhost is not an address": { ports: [{ ...port, hostIp: "localhost" }] },
  "logs is not absolute": { logDirectory: "logs" },
  "size of shared memory": { shmSizeBytes: 0 },
  'must not contain ".."': { cgroupParent: "/a/../../b" },
  "the whole host's": { sysctls: { "vm.swappiness": "1" } },
  "is not a rate": { annotations: { "kubernetes.io/ingress-bandwidth": "fast" } },
};

for (const [message, changes] of Object.entries(refused))
  test(`a pod is refused: ${message}`, () => {
    assert.throws(
      () => checkPodConfig(samplePodConfig(changes), "cgroupfs"),
      (error: unknown) => isKind(error, "invalidArgument") && error.message.includes(message),
    );
  });

test("a pod that asks for nothing or for what there is passes", () => {
  checkPodConfig(samplePodConfig(), "systemd");
  checkPodConfig(samplePodConfig({ cgroupParent: "kubepods-pod1.slice" }), "systemd");
  checkPodConfig(samplePodConfig({ ports: [port], sysctls: { "net.core.somaxconn": "1024" } }), "cgroupfs");
  assert.throws(() => checkPodConfig(samplePodConfig({ cgroupParent: "/kubepods" }), "systemd"), /is not a slice/);
});
