import { isIPv4, isIPv6 } from "node:net";
import type * as api from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import type { Endpoint, PluginChains } from "../plugin-host/chains.ts";
import { refuseNul } from "../refuse-nul.ts";
import type { NetworkedContainer } from "./container-networks.ts";
import type { NetworkRecord } from "./network-record.ts";
import { networkName } from "./network-mode.ts";
import type { NetworkRegistry } from "./network-registry.ts";

/** An endpoint that will be made: the network, and what is asked of the place in it. */
export interface EndpointPlan {
  network: NetworkRecord;
  endpoint: Endpoint;
  links: string[];
}

/** A network a container is in or is to be in, with what it says of its place there. */
export interface WantedNetwork {
  network: NetworkRecord;
  settings: api.EndpointSettings;
}

/** The endpoints a container has: those on record, or that of its network mode when nothing was said, connected or disconnected. */
export function endpointsOf(
  container: Pick<NetworkedContainer, "networkMode" | "endpoints" | "endpointsSettled">,
): Record<string, api.EndpointSettings> {
  const { networkMode, endpoints, endpointsSettled = false } = container;
  return endpointsSettled || Object.keys(endpoints).length > 0 ? endpoints : { [networkName(networkMode)]: {} };
}

/** The networks a container goes into, that of its network mode first: `eth0` is there. */
export function networksOf(container: NetworkedContainer, registry: NetworkRegistry): WantedNetwork[] {
  const wanted = new Map<string, WantedNetwork>();
  for (const [ref, settings] of Object.entries(endpointsOf(container))) {
    const network = registry.require(networkName(ref));
    wanted.set(network.id, { network, settings });
  }
  const first = registry.find(networkName(container.networkMode))?.id;
  const [main, ...others] = [...wanted.values()].sort((a, b) => Number(b.network.id === first) - Number(a.network.id === first));
  if (!main) return [];
  const { macAddress } = container;
  // What newer clients say of the endpoint itself counts more.
  const asked = macAddress !== "" && !main.settings.MacAddress ? { ...main.settings, MacAddress: macAddress } : main.settings;
  return [{ network: main.network, settings: asked }, ...others];
}

/** Puts what was asked for before the plugins (`container.preCreateEndpoint`) and returns what they made of it. */
export async function planEndpoint(
  chains: Pick<PluginChains, "preCreateEndpoint">,
  container: NetworkedContainer,
  network: NetworkRecord,
  settings: api.EndpointSettings,
  signal?: AbortSignal,
): Promise<EndpointPlan> {
  const { IPAMConfig: ipam } = settings;
  const asked: Endpoint = {
    networkName: network.name,
    networkId: network.id,
    driver: network.driver,
    priority: settings.GwPriority ?? 0,
    disableResolver: false,
    genericParams: {},
    ...present("ipv4Address", ipam?.IPv4Address),
    ...present("ipv6Address", ipam?.IPv6Address),
    ...present("macAddress", settings.MacAddress),
    aliases: settings.Aliases ?? [],
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    driverOptions: settings.DriverOpts ?? {},
  };
  const context = {
    containerId: container.id,
    containerName: container.name,
    labels: container.labels,
    image: container.image,
    env: container.env,
    ...(signal ? { signal } : {}),
  };
  const verify = (endpoint: Endpoint): void => {
    refuseNul(endpoint);
    refuseBadEndpoint(network, endpoint);
    refuseBadNames(endpoint);
  };
  const endpoint = await chains.preCreateEndpoint(container.id, container.env, asked, { ...context, verify });
  refuseBadEndpoint(network, endpoint);
  const { macAddress } = endpoint;
  return {
    network,
    endpoint: macAddress ? { ...endpoint, macAddress: parseMac(macAddress) } : endpoint,
    links: settings.Links ?? [],
  };
}

/** Docker's rules about what may be asked of which network. */
export function refuseBadSettings(network: NetworkRecord, settings: api.EndpointSettings): void {
  const { IPAMConfig: ipam, MacAddress: mac, Aliases: aliases } = settings;
  refuseBadEndpoint(network, {
    ...(ipam?.IPv4Address ? { ipv4Address: ipam.IPv4Address } : {}),
    ...(ipam?.IPv6Address ? { ipv6Address: ipam.IPv6Address } : {}),
    ...(mac ? { macAddress: mac } : {}),
    aliases: aliases ?? [],
  });
}

function refuseBadEndpoint(
  network: NetworkRecord,
  endpoint: Pick<Endpoint, "ipv4Address" | "ipv6Address" | "macAddress" | "aliases">,
): void {
  const { ipv4Address = "", ipv6Address = "" } = endpoint;
  if (ipv4Address !== "" && !isIPv4(ipv4Address))
    throw invalidArgument(`invalid endpoint settings: invalid IPv4 address: ${ipv4Address}`);
  if (ipv6Address !== "" && !isIPv6(ipv6Address))
    throw invalidArgument(`invalid endpoint settings: invalid IPv6 address: ${ipv6Address}`);
  const addressed = ipv4Address !== "" || ipv6Address !== "";
  const userDefined = !["bridge", "host", "none"].includes(network.name);
  if (addressed && !userDefined) throw invalidArgument("user specified IP address is supported on user defined networks only");
  const hasIPv6 = network.ipam.config.some(({ Subnet = "" }) => Subnet.includes(":"));
  if (addressed && (!network.ipam.chosen || (ipv6Address !== "" && !hasIPv6))) {
    throw invalidArgument("user specified IP address is supported only when connecting to networks with user configured subnets");
  }
  if (endpoint.aliases.length > 0 && !userDefined) {
    throw invalidArgument("network-scoped alias is supported only for containers in user defined networks");
  }
  if (endpoint.macAddress) parseMac(endpoint.macAddress);
}

/** Each becomes a word of a line in resolv.conf. */
export function refuseBadNames({ dns, dnsSearch, dnsOptions }: Pick<Endpoint, "dns" | "dnsSearch" | "dnsOptions">): void {
  for (const word of [...dns, ...dnsSearch, ...dnsOptions])
    if (word === "" || /\s/.test(word)) throw invalidArgument(`DNS configuration: "${word}" is not one word`);
}

/** `02:42:AC:11:00:02`, `02-42-ac-11-00-02` and `0242.ac11.0002` as the kernel's tools write them. */
export function parseMac(text: string): string {
  const digits = /^(?:[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4})$/i.test(text)
    ? text.replace(/[:.-]/g, "").toLowerCase()
    : undefined;
  if (digits === undefined) throw invalidArgument(`invalid MAC address: ${text}`);
  return digits.replace(/(..)(?!$)/g, "$1:");
}

function present<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  // The key is the only one of the record, so the object has the shape.
  return value === undefined || value === "" ? {} : ({ [key]: value } as Record<K, string>);
}
