import { invalidArgument } from "@pouchcontainer/errors";
import { isIPv4, isIPv6 } from "node:net";
import { parseMac, refuseBadNames } from "../../networks/endpoint-plan.ts";
import type { ChainContext, Endpoint, PluginChains } from "../../plugin-host/chains.ts";
import { refuseNul } from "../../refuse-nul.ts";
import type { PodConfig } from "../pod-config.ts";
import type { PodAttachment } from "../pod-record.ts";

/** A pod's place in its network, and how its containers find names. */
export interface PlannedPlace {
  attachment: PodAttachment;
  config: PodConfig;
}

/**
 * Puts a pod's place in its network before the plugins (`container.preCreateEndpoint`), with the pod's id for a container's. What they make
 * of it goes to the CNI plugins that are capable of it: addresses as `ips`, the MAC as `mac`, aliases, name servers as `dns`, and each of the
 * `genericParams` as the capability of its name. There is one network and no resolver of ours: priority and `disableResolver` say nothing.
 */
export async function askPlugins(
  chains: Pick<PluginChains, "preCreateEndpoint">,
  { attachment, config }: PlannedPlace,
  context: ChainContext & { containerId: string },
): Promise<PlannedPlace> {
  const { list, target } = attachment;
  const { servers = [], searches = [], options = [] } = config.dns ?? {};
  const asked: Endpoint = {
    networkName: list.name,
    networkId: list.name,
    driver: "cni",
    priority: 0,
    disableResolver: false,
    genericParams: {},
    aliases: [config.metadata.name],
    dns: servers,
    dnsSearch: searches,
    dnsOptions: options,
    driverOptions: {},
  };
  const endpoint = await chains.preCreateEndpoint(context.containerId, [], asked, { ...context, verify: refuseBadPlace });
  if (endpoint === asked) return { attachment, config };
  refuseBadPlace(endpoint);
  const { ipv4Address = "", ipv6Address = "", macAddress = "", dns, dnsSearch, dnsOptions } = endpoint;
  const ips = [ipv4Address, ipv6Address].filter((address) => address !== "");
  const names = { servers: dns, searches: dnsSearch, options: dnsOptions };
  const hasNames = dns.length + dnsSearch.length + dnsOptions.length > 0;
  const { dns: _dns, ...withoutNames } = config;
  return {
    config: hasNames ? { ...config, dns: names } : withoutNames,
    attachment: {
      ...attachment,
      target: {
        ...target,
        runtimeConfig: {
          ...target.runtimeConfig,
          ...endpoint.genericParams,
          aliases: endpoint.aliases,
          ...(ips.length > 0 && { ips }),
          ...(macAddress !== "" && { mac: parseMac(macAddress) }),
          ...(hasNames && { dns: names }),
        },
      },
    },
  };
}

function refuseBadPlace(endpoint: Endpoint): void {
  const { ipv4Address = "", ipv6Address = "", macAddress = "", ...names } = endpoint;
  refuseNul(endpoint);
  refuseBadNames(names);
  if (ipv4Address !== "" && !isIPv4(ipv4Address)) throw invalidArgument(`a plugin gave the pod no IPv4 address: ${ipv4Address}`);
  if (ipv6Address !== "" && !isIPv6(ipv6Address)) throw invalidArgument(`a plugin gave the pod no IPv6 address: ${ipv6Address}`);
  if (macAddress !== "") parseMac(macAddress);
}
