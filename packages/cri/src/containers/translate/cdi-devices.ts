import type { ContainerConfig } from "../../gen/runtime_v1_pb.ts";

/** Before there was a field for it, plugins of the kubelet named devices in annotations. */
const annotation = "cdi.k8s.io/";

/** Names of all CDI devices that are asked for, each once. */
export function cdiDevices({ CDIDevices, annotations }: Pick<ContainerConfig, "CDIDevices" | "annotations">): string[] {
  const annotated = Object.entries(annotations).flatMap(([key, value]) => (key.startsWith(annotation) ? value.split(",") : []));
  return [...new Set([...CDIDevices.map(({ name }) => name), ...annotated])];
}
