import assert from "node:assert/strict";
import { test } from "node:test";
import { samplePodConfig } from "../sample-config.ts";
import { podTarget } from "./pod-target.ts";

test("plugins hear who the pod is and what it wants", () => {
  const config = samplePodConfig({
    ports: [
      { protocol: "udp", containerPort: 53, hostPort: 5353, hostIp: "192.0.2.1" },
      { protocol: "tcp", containerPort: 80, hostPort: 8080, hostIp: "" },
      { protocol: "tcp", containerPort: 81, hostPort: 0, hostIp: "" },
    ],
    annotations: { "kubernetes.io/ingress-bandwidth": "1M" },
    dns: { servers: ["192.0.2.53"], searches: ["a.example"], options: ["ndots:5"] },
  });
  assert.deepEqual(podTarget("id1", config, "/run/net"), {
    containerId: "id1",
    netnsPath: "/run/net",
    interfaceName: "eth0",
    args: "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=id1;K8S_POD_UID=u1",
    runtimeConfig: {
      portMappings: [
        { hostPort: 5353, containerPort: 53, protocol: "udp", hostIP: "192.0.2.1" },
        { hostPort: 8080, containerPort: 80, protocol: "tcp" },
      ],
      bandwidth: { ingressRate: 1e6, ingressBurst: 4294967295 },
      dns: { servers: ["192.0.2.53"], searches: ["a.example"], options: ["ndots:5"] },
      aliases: ["web"],
    },
  });
});

test("a pod that wants nothing is told of by its name alone", () => {
  assert.deepEqual(podTarget("id1", samplePodConfig(), "/run/net").runtimeConfig, { aliases: ["web"] });
});
