import { endpointsOf, type WantedNetwork } from "./endpoint-plan.ts";
import type { NetworkedContainer } from "./container-networks.ts";
import { networkName } from "./network-mode.ts";
import type { NetworkRegistry } from "./network-registry.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";

/** Where a sandbox is not what its container says. */
export interface EndpointDifferences {
  /** Of a connect that was not through, or a disconnect that had begun. */
  surplus: EndpointRecord[];
  /** Connected while the container was being started. */
  missing: WantedNetwork[];
}

/** The container's record says which networks it is in: of a running one a connect writes it last, a disconnect first. */
export function endpointDifferences(
  container: NetworkedContainer,
  { mode, endpoints }: Pick<SandboxRecord, "mode" | "endpoints">,
  registry: Pick<NetworkRegistry, "find">,
): EndpointDifferences {
  if (mode === "host") return { surplus: [], missing: [] };
  const wanted = Object.entries(endpointsOf(container)).flatMap(([ref, settings]): WantedNetwork[] => {
    const network = registry.find(networkName(ref));
    return network && network.driver !== "host" && network.driver !== "null" ? [{ network, settings }] : [];
  });
  return {
    surplus: endpoints.filter(({ networkId }) => !wanted.some(({ network }) => network.id === networkId)),
    missing: wanted.filter(({ network }) => !endpoints.some(({ networkId }) => networkId === network.id)),
  };
}
