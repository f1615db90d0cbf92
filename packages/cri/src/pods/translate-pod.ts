import type { PodConfig, PodNamespaces, PodPort, PodResources } from "@pouchcontainer/engine";
import { invalidArgument, notImplemented } from "@pouchcontainer/errors";
import {
  NamespaceMode,
  Protocol,
  type DNSConfig,
  type LinuxContainerResources,
  type NamespaceOption,
  type PodSandboxConfig,
  type PortMapping,
} from "../gen/runtime_v1_pb.ts";

export interface TranslationSettings {
  runtimeHandler: string;
  cgroupDriver: "cgroupfs" | "systemd";
}

/**
 * What the engine is asked for, from the words of CRI. What it says about a process that holds a pod (user, seccomp, read-only root) means
 * nothing here: there is none, or one that is confined in any case.
 */
export function translatePod(config: PodSandboxConfig, { runtimeHandler, cgroupDriver }: TranslationSettings): PodConfig {
  const { metadata, linux } = config;
  if (metadata === undefined) throw invalidArgument("sandbox config must include metadata");
  const { name, uid, namespace, attempt } = metadata;
  const namespaces = namespacesOf(linux?.securityContext?.namespaceOptions);
  const dns = dnsOf(config.dnsConfig);
  return {
    metadata: { name, uid, namespace, attempt },
    // The host's UTS namespace comes with its network.
    hostname: namespaces.network === "node" ? "" : config.hostname,
    domainname: "",
    logDirectory: config.logDirectory,
    ...(dns && { dns }),
    ports: config.portMappings.map(portOf),
    labels: { ...config.labels },
    annotations: { ...config.annotations },
    namespaces,
    cgroupParent: parentOf(linux?.cgroupParent ?? "", cgroupDriver),
    sysctls: { ...linux?.sysctls },
    privileged: linux?.securityContext?.privileged ?? false,
    runtimeHandler,
    ...(linux?.resources && { resources: podResourcesOf(linux.resources) }),
    ...(linux?.overhead && { overhead: podResourcesOf(linux.overhead) }),
  };
}

function namespacesOf(options: NamespaceOption | undefined): PodNamespaces {
  if (options === undefined) return { network: "pod", ipc: "pod", pid: "pod" };
  // Without options of it, or with those of the node, there is no user namespace.
  if (options.usernsOptions && options.usernsOptions.mode !== NamespaceMode.NODE)
    throw notImplemented("user namespaces are not supported: run the pod with hostUsers: true");
  return {
    network: podOrNode("network", options.network),
    ipc: podOrNode("ipc", options.ipc),
    pid: options.pid === NamespaceMode.CONTAINER ? "container" : podOrNode("pid", options.pid),
  };
}

function podOrNode(kind: string, mode: NamespaceMode): "pod" | "node" {
  if (mode === NamespaceMode.POD) return "pod";
  if (mode === NamespaceMode.NODE) return "node";
  throw invalidArgument(
    `the ${kind} namespace of a pod cannot be of mode ${mode === NamespaceMode.CONTAINER ? "CONTAINER" : mode === NamespaceMode.TARGET ? "TARGET" : mode}`,
  );
}

/** One that says nothing leaves the host's file. */
function dnsOf(config: DNSConfig | undefined): PodConfig["dns"] {
  if (config === undefined) return undefined;
  const { servers, searches, options } = config;
  return servers.length + searches.length + options.length === 0 ? undefined : { servers, searches, options };
}

const protocols: Record<number, PodPort["protocol"]> = {
  [Protocol.TCP]: "tcp",
  [Protocol.UDP]: "udp",
  [Protocol.SCTP]: "sctp",
};

function portOf({ protocol, containerPort, hostPort, hostIp }: PortMapping): PodPort {
  const name = protocols[protocol];
  if (name === undefined) throw invalidArgument(`port mapping: there is no protocol ${protocol}`);
  return { protocol: name, containerPort, hostPort: Math.max(0, hostPort), hostIp };
}

/** The kubelet writes the whole path of a slice, of which systemd knows the last part by itself. */
function parentOf(parent: string, driver: TranslationSettings["cgroupDriver"]): string {
  return driver === "systemd" ? (parent.split("/").findLast((part) => part !== "") ?? "") : parent;
}

/** Limits of a pod; 0 stands for none in both worlds. */
export function podResourcesOf(resources: LinuxContainerResources): PodResources {
  const numbers = {
    cpuPeriodMicroseconds: resources.cpuPeriod,
    cpuQuotaMicroseconds: resources.cpuQuota,
    cpuShares: resources.cpuShares,
    memoryLimitBytes: resources.memoryLimitInBytes,
    memorySwapLimitBytes: resources.memorySwapLimitInBytes,
  };
  const { cpusetCpus, cpusetMems, unified } = resources;
  return {
    ...Object.fromEntries(
      Object.entries(numbers)
        .filter(([, value]) => value !== 0n)
        .map(([key, value]) => [key, Number(value)]),
    ),
    ...(cpusetCpus !== "" && { cpusetCpus }),
    ...(cpusetMems !== "" && { cpusetMems }),
    ...(Object.keys(unified).length > 0 && { unified: { ...unified } }),
  };
}
