import type { NetworkedContainer } from "./container-networks.ts";
import { extraHosts, ownNames, renderHosts, type HostsEntry } from "./files/hosts-file.ts";
import {
  behindResolver,
  reachableServers,
  renderResolvConf,
  withSettings,
  type DnsSettings,
  type ResolvConf,
} from "./files/resolv-conf.ts";
import type { EndpointRecord } from "./sandbox-record.ts";

export interface HostFiles {
  resolvConf: ResolvConf & { text: string };
  hosts: string;
  hostname: string;
}

/** What the container itself asks of its resolver, endpoints' settings first: a plugin's word wins over the command line. */
export function dnsSettings(container: NetworkedContainer, endpoints: EndpointRecord[]): DnsSettings {
  const first = (pick: (endpoint: EndpointRecord) => string[], own: readonly string[] | undefined) =>
    endpoints.map(pick).find((values) => values.length > 0) ?? own ?? [];
  return {
    nameservers: first((endpoint) => endpoint.dns, container.hostConfig.Dns),
    search: first((endpoint) => endpoint.dnsSearch, container.hostConfig.DnsSearch),
    options: first((endpoint) => endpoint.dnsOptions, container.hostConfig.DnsOptions),
  };
}

export function asksForDns(settings: DnsSettings): boolean {
  return settings.nameservers.length + settings.search.length + settings.options.length > 0;
}

/** Files of a container that shares the host's namespace: the host's own, with what was asked for in them. */
export function hostModeContent(container: NetworkedContainer, host: HostFiles, hostGateway: string[]) {
  const settings = dnsSettings(container, []);
  const extra = extraHosts(container.hostConfig.ExtraHosts ?? [], hostGateway);
  const lines = extra.map((entry) => `${entry.address}\t${entry.names.join(" ")}\n`).join("");
  const separator = host.hosts === "" || host.hosts.endsWith("\n") ? "" : "\n";
  return {
    hosts: host.hosts === "" ? renderHosts(extra) : `${host.hosts}${separator}${lines}`,
    resolvConf: asksForDns(settings) ? renderResolvConf(withSettings(host.resolvConf, settings)) : host.resolvConf.text,
    hostname: `${container.hostname}\n`,
  };
}

/** Files of a container with a namespace of its own. */
export function namespaceContent(
  container: NetworkedContainer,
  host: HostFiles,
  hostGateway: string[],
  network: { endpoints: EndpointRecord[]; links: HostsEntry[]; embeddedResolver: boolean },
) {
  const { endpoints } = network;
  const conf = withSettings(host.resolvConf, dnsSettings(container, endpoints));
  const own = endpoints.flatMap((endpoint) =>
    [endpoint.ipv4, endpoint.ipv6].flatMap((address) =>
      address ? [{ address: address.address, names: ownNames(container.hostname, container.domainname) }] : [],
    ),
  );
  const extra = extraHosts(container.hostConfig.ExtraHosts ?? [], hostGateway);
  const ipv6 = endpoints.some((endpoint) => endpoint.ipv6);
  return {
    hosts: renderHosts([...extra, ...network.links, ...own]),
    resolvConf: renderResolvConf(network.embeddedResolver ? behindResolver(conf) : reachable(conf, endpoints, ipv6, container)),
    hostname: `${container.hostname}\n`,
  };
}

function reachable(conf: ResolvConf, endpoints: EndpointRecord[], ipv6: boolean, container: NetworkedContainer): ResolvConf {
  // Servers somebody named are taken at their word; without any endpoint there is nothing to reach.
  const named = dnsSettings(container, endpoints).nameservers.length > 0;
  return named || endpoints.length === 0 ? conf : reachableServers(conf, { ipv6 });
}
