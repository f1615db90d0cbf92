import { Type, type Static } from "typebox";
import { PortBinding } from "./host-config.ts";
import { flag, integer, list, map, nullable, optional, text } from "./wire-types.ts";

/** Addresses asked for. */
export const EndpointIPAMConfig = Type.Object({
  IPv4Address: optional(text()),
  IPv6Address: optional(text()),
  LinkLocalIPs: optional(list(text())),
});
export type EndpointIPAMConfig = Static<typeof EndpointIPAMConfig>;

/** A container's place in a network: what was asked for, and in answers what it got. */
export const EndpointSettings = Type.Object({
  IPAMConfig: optional(nullable(EndpointIPAMConfig)),
  Links: optional(nullable(list(text()))),
  Aliases: optional(nullable(list(text()))),
  MacAddress: optional(text()),
  DriverOpts: optional(nullable(map(text()))),
  GwPriority: optional(integer("The endpoint with the highest gives the default route")),
  NetworkID: optional(text()),
  EndpointID: optional(text()),
  Gateway: optional(text()),
  IPAddress: optional(text()),
  IPPrefixLen: optional(integer()),
  IPv6Gateway: optional(text()),
  GlobalIPv6Address: optional(text()),
  GlobalIPv6PrefixLen: optional(integer()),
  DNSNames: optional(nullable(list(text(), "Every name other containers of the network can use"))),
});
export type EndpointSettings = Static<typeof EndpointSettings>;

/** Endpoints asked for at create, by network name. */
export const NetworkingConfig = Type.Object({ EndpointsConfig: optional(map(EndpointSettings)) });
export type NetworkingConfig = Static<typeof NetworkingConfig>;

/** An address with its prefix length. */
export const Address = Type.Object({ Addr: text(), PrefixLen: integer() });
export type Address = Static<typeof Address>;

/**
 * Network state in a container's inspect. The fields from `EndpointID` to `MacAddress` repeat the endpoint on the default
 * bridge (deprecated in Docker, still read by tools).
 */
export const NetworkSettings = Type.Object({
  Bridge: text(),
  SandboxID: text(),
  SandboxKey: text("Path of the network namespace"),
  HairpinMode: optional(flag()),
  LinkLocalIPv6Address: optional(text()),
  LinkLocalIPv6PrefixLen: optional(integer()),
  Ports: map(nullable(list(PortBinding)), "Exposed ports; null for one that is not published"),
  SecondaryIPAddresses: optional(nullable(list(Address))),
  SecondaryIPv6Addresses: optional(nullable(list(Address))),
  EndpointID: text(),
  Gateway: text(),
  GlobalIPv6Address: text(),
  GlobalIPv6PrefixLen: integer(),
  IPAddress: text(),
  IPPrefixLen: integer(),
  IPv6Gateway: text(),
  MacAddress: text(),
  Networks: map(EndpointSettings),
});
export type NetworkSettings = Static<typeof NetworkSettings>;
