import type * as api from "@pouchcontainer/api";
import { refuseBadEndpoint } from "./endpoint-plan.ts";
import { networkName } from "./network-mode.ts";
import type { NetworkRegistry } from "./network-registry.ts";
import { parseContainerPorts, portRequests } from "./ports/port-specs.ts";

/** Refuses what a create request asks of networks and cannot have; allocates nothing. */
export function validateNetworks(config: api.ContainerCreateConfig, registry: NetworkRegistry): void {
  const mode = networkName(config.HostConfig.NetworkMode);
  for (const key of Object.keys(config.ExposedPorts ?? {})) parseContainerPorts(key);
  portRequests(config.HostConfig, []);
  if (mode === "host" || mode === "none" || mode.startsWith("container:")) return;
  registry.require(mode);
  for (const [name, settings] of Object.entries(config.NetworkingConfig?.EndpointsConfig ?? {})) {
    const { IPAMConfig: ipam, MacAddress: mac, Aliases: aliases } = settings;
    refuseBadEndpoint(registry.require(networkName(name)), {
      ...(ipam?.IPv4Address ? { ipv4Address: ipam.IPv4Address } : {}),
      ...(ipam?.IPv6Address ? { ipv6Address: ipam.IPv6Address } : {}),
      ...(mac ? { macAddress: mac } : {}),
      aliases: aliases ?? [],
    });
  }
}
