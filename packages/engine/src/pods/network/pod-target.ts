import type { CniTarget } from "../../networks/cni/cni-runner.ts";
import type { PodConfig } from "../pod-config.ts";
import { bandwidthOfAnnotations } from "./pod-bandwidth.ts";

/** The interface Kubernetes looks for in a pod. */
export const podInterface = "eth0";

/** What plugins are told of a pod: where it is, who it is (`CNI_ARGS`), and what it wants of what they are capable of. */
export function podTarget(id: string, config: PodConfig, netnsPath: string): CniTarget {
  const { metadata, annotations, dns } = config;
  const args = {
    IgnoreUnknown: "1",
    K8S_POD_NAMESPACE: metadata.namespace,
    K8S_POD_NAME: metadata.name,
    K8S_POD_INFRA_CONTAINER_ID: id,
    K8S_POD_UID: metadata.uid,
  };
  const ports = config.ports.filter(({ hostPort }) => hostPort > 0);
  const bandwidth = bandwidthOfAnnotations(annotations);
  return {
    containerId: id,
    netnsPath,
    interfaceName: podInterface,
    args: Object.entries(args)
      .map(([key, value]) => `${key}=${value}`)
      .join(";"),
    runtimeConfig: {
      ...(ports.length > 0 && {
        portMappings: ports.map(({ hostPort, containerPort, protocol, hostIp }) => ({
          hostPort,
          containerPort,
          protocol,
          ...(hostIp === "" ? {} : { hostIP: hostIp }),
        })),
      }),
      ...(bandwidth && { bandwidth }),
      ...(dns && { dns: { servers: dns.servers, searches: dns.searches, options: dns.options } }),
      aliases: [metadata.name],
    },
  };
}
