import type * as api from "@pouchcontainer/api";
import { parseMac, refuseBadSettings } from "./endpoint-plan.ts";
import { networkName } from "./network-mode.ts";
import type { NetworkRegistry } from "./network-registry.ts";
import { parseContainerPorts, portRequests } from "./ports/port-specs.ts";

/**
 * Refuses what a create request asks of networks and cannot have; allocates nothing. A network that is not there is asked for
 * again at the start, as with dockerd: it may be made by then.
 */
export function validateNetworks(config: api.ContainerCreateConfig, registry: NetworkRegistry): void {
  const mode = networkName(config.HostConfig.NetworkMode);
  for (const key of Object.keys(config.ExposedPorts ?? {})) parseContainerPorts(key);
  portRequests(config.HostConfig, []);
  if (config.MacAddress) parseMac(config.MacAddress);
  if (mode === "host" || mode === "none" || mode.startsWith("container:")) return;
  for (const [name, settings] of Object.entries(config.NetworkingConfig?.EndpointsConfig ?? {})) {
    const network = registry.find(networkName(name));
    if (network) refuseBadSettings(network, settings);
  }
}
