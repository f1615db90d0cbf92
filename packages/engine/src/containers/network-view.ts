import type { NetworkedContainer } from "../networks/container-networks.ts";
import { wasStarted, type ContainerRecord, type ContainerState } from "./container-record.ts";

/** The facts about a container the network room asks for. */
export function networkedContainer(record: ContainerRecord, directory: string): NetworkedContainer {
  const { config, hostConfig, networkingConfig, endpointsSettled = false, pod } = record;
  return {
    id: record.id,
    name: record.name,
    hostname: config.Hostname ?? "",
    domainname: config.Domainname ?? "",
    env: config.Env ?? [],
    labels: config.Labels ?? {},
    image: record.image.reference,
    macAddress: config.MacAddress ?? "",
    networkMode: config.NetworkDisabled ? "none" : (hostConfig.NetworkMode ?? "none"),
    hostConfig,
    links: record.links ?? [],
    exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    endpoints: networkingConfig.EndpointsConfig ?? {},
    endpointsSettled,
    phase: phaseOf(record.state),
    filesDirectory: directory,
    ...(pod ? { pod } : {}),
  };
}

function phaseOf(state: ContainerState): "new" | "running" | "ended" {
  if (state.status === "running" || state.status === "paused") return "running";
  return wasStarted(state) ? "ended" : "new";
}

/** Who plugins are told the call is about. */
export function chainContext(record: ContainerRecord): {
  containerId: string;
  containerName: string;
  labels: Record<string, string>;
  image: string;
  env: string[];
} {
  return {
    containerId: record.id,
    containerName: record.name,
    labels: record.config.Labels ?? {},
    image: record.image.reference,
    env: record.config.Env ?? [],
  };
}
