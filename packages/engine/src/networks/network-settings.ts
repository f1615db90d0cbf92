import type * as api from "@pouchcontainer/api";
import type { NetworkedContainer } from "./container-networks.ts";
import { gatewayEndpoint } from "./default-routes.ts";
import { parseContainerPorts } from "./ports/port-specs.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";

/** An endpoint that was given nothing: of a container that does not run, or in a network that gives nothing, where it has an id. */
export function idleEndpoint(asked: api.EndpointSettings, networkId: string, endpointId = ""): api.EndpointSettings {
  return {
    IPAMConfig: asked.IPAMConfig ?? null,
    Links: asked.Links ?? null,
    Aliases: asked.Aliases ?? null,
    MacAddress: asked.MacAddress ?? "",
    DriverOpts: asked.DriverOpts ?? null,
    GwPriority: asked.GwPriority ?? 0,
    NetworkID: networkId,
    EndpointID: endpointId,
    Gateway: "",
    IPAddress: "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    DNSNames: asked.DNSNames ?? null,
  };
}

export function liveEndpoint(asked: api.EndpointSettings, endpoint: EndpointRecord): api.EndpointSettings {
  return {
    ...idleEndpoint(asked, endpoint.networkId),
    Aliases: endpoint.aliases.length > 0 ? endpoint.aliases : (asked.Aliases ?? null),
    MacAddress: endpoint.macAddress,
    GwPriority: endpoint.priority,
    EndpointID: endpoint.id,
    Gateway: gatewayOf(endpoint, "ipv4"),
    IPAddress: endpoint.ipv4?.address ?? "",
    IPPrefixLen: endpoint.ipv4?.prefixLength ?? 0,
    IPv6Gateway: gatewayOf(endpoint, "ipv6"),
    GlobalIPv6Address: endpoint.ipv6?.address ?? "",
    GlobalIPv6PrefixLen: endpoint.ipv6?.prefixLength ?? 0,
    DNSNames: endpoint.networkName === "bridge" ? null : endpoint.dnsNames,
  };
}

/** A container as the network it is in shows it. */
export function memberOf(
  { containerName }: Pick<SandboxRecord, "containerName">,
  { id, macAddress, ipv4, ipv6 }: Pick<EndpointRecord, "id" | "macAddress" | "ipv4" | "ipv6">,
): api.NetworkContainer {
  return {
    Name: containerName,
    EndpointID: id,
    MacAddress: macAddress,
    IPv4Address: ipv4 ? `${ipv4.address}/${ipv4.prefixLength}` : "",
    IPv6Address: ipv6 ? `${ipv6.address}/${ipv6.prefixLength}` : "",
  };
}

function gatewayOf(endpoint: EndpointRecord, family: "ipv4" | "ipv6"): string {
  return endpoint.internal ? "" : (endpoint[family]?.gateway ?? "");
}

/** `NetworkSettings` without endpoints. */
export function emptySettings(): api.NetworkSettings {
  return {
    Bridge: "",
    SandboxID: "",
    SandboxKey: "",
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    Ports: {},
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: "",
    Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    IPAddress: "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    MacAddress: "",
    Networks: {},
  };
}

/** The fields at the top repeat the endpoint on the default bridge. */
export function defaultBridgeFields(endpoint: api.EndpointSettings): Partial<api.NetworkSettings> {
  return {
    EndpointID: endpoint.EndpointID ?? "",
    Gateway: endpoint.Gateway ?? "",
    GlobalIPv6Address: endpoint.GlobalIPv6Address ?? "",
    GlobalIPv6PrefixLen: endpoint.GlobalIPv6PrefixLen ?? 0,
    IPAddress: endpoint.IPAddress ?? "",
    IPPrefixLen: endpoint.IPPrefixLen ?? 0,
    IPv6Gateway: endpoint.IPv6Gateway ?? "",
    MacAddress: endpoint.MacAddress ?? "",
  };
}

/** Exposed ports with the places on the host they are reached at; null for one that is not published. */
export function portMap(container: NetworkedContainer, sandbox: SandboxRecord): api.NetworkSettings["Ports"] {
  const ports = new Map<string, { HostIp: string; HostPort: string }[] | null>();
  const exposed = [...container.exposedPorts, ...Object.keys(container.hostConfig.PortBindings ?? {})];
  for (const key of exposed) for (const { port, protocol } of parseContainerPorts(key)) ports.set(`${port}/${protocol}`, null);
  for (const endpoint of sandbox.endpoints) {
    for (const port of endpoint.ports) {
      const key = `${port.containerPort}/${port.protocol}`;
      const published = ports.get(key) ?? [];
      published.push({ HostIp: port.hostAddress, HostPort: String(port.hostPort) });
      ports.set(key, published);
    }
  }
  return gatewayEndpoint(sandbox.endpoints, "ipv4") || sandbox.endpoints.some((endpoint) => endpoint.ports.length > 0)
    ? Object.fromEntries(ports)
    : {};
}
