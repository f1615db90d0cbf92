import type * as api from "@pouchcontainer/api";
import { conflict } from "@pouchcontainer/errors";
import { refuseBadEndpoint } from "./endpoint-plan.ts";
import { networkName } from "./network-mode.ts";
import type { NetworkRegistry } from "./network-registry.ts";
import { parseContainerPorts, portRequests } from "./ports/port-specs.ts";

/** Refuses what a create request asks of networks and cannot have; allocates nothing. */
export function validateNetworks(config: api.ContainerCreateConfig, registry: NetworkRegistry): void {
  const mode = networkName(config.HostConfig.NetworkMode);
  for (const key of Object.keys(config.ExposedPorts ?? {})) parseContainerPorts(key);
  portRequests(config.HostConfig, []);
  if (mode.startsWith("container:")) return refuseWithSharedNamespace(config);
  if (mode === "host" || mode === "none") return;
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

/** What belongs to the namespace is the other container's to say. */
function refuseWithSharedNamespace(config: api.ContainerCreateConfig): void {
  const { HostConfig: host } = config;
  const refuse = (what: string) => conflict(`conflicting options: ${what} and the container type network mode`);
  if (config.Hostname) throw refuse("hostname");
  if ((host.Links ?? []).length > 0)
    throw conflict(
      "conflicting options: container type network can't be used with links. This would result in undefined behavior",
    );
  if ((host.Dns ?? []).length > 0) throw refuse("dns");
  if ((host.ExtraHosts ?? []).length > 0) throw conflict("conflicting options: custom host-to-IP mapping and the network mode");
  if (Object.keys(host.PortBindings ?? {}).length > 0 || host.PublishAllPorts === true) throw refuse("port publishing");
  if (Object.keys(config.ExposedPorts ?? {}).length > 0) throw refuse("port exposing");
}
