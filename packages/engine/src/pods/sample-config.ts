import type { PodConfig } from "./pod-config.ts";

/** A pod that asks for nothing. */
export function samplePodConfig(changes: Partial<PodConfig> = {}): PodConfig {
  return {
    metadata: { name: "web", uid: "u1", namespace: "shop", attempt: 0 },
    hostname: "web",
    domainname: "",
    logDirectory: "",
    ports: [],
    labels: {},
    annotations: {},
    namespaces: { network: "pod", ipc: "pod", pid: "container" },
    cgroupParent: "",
    sysctls: {},
    privileged: false,
    runtimeHandler: "",
    ...changes,
  };
}
