import type { PodConfig } from "@pouchcontainer/engine";
import type { ContainerMetadata } from "../../gen/runtime_v1_pb.ts";

/** What Docker admits in names. */
const inadmissible = /[^a-zA-Z0-9_.-]/g;

/** The name people know from other runtimes of the kubelet; what Docker does not admit in it is a "-". Nobody has two alike, as CRI wants it. */
export function containerName({ name, attempt }: ContainerMetadata, { metadata: pod }: Pick<PodConfig, "metadata">): string {
  return ["k8s", name, pod.name, pod.namespace, pod.uid, attempt].join("_").replace(inadmissible, "-");
}
