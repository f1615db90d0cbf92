import { Type, type Static } from "typebox";
import { EndpointSettings } from "./network-settings.ts";
import { flag, integer, list, map, nullable, optional, text } from "./wire-types.ts";

/** One address pool of a network. */
export const IPAMPool = Type.Object({
  Subnet: optional(text("CIDR")),
  IPRange: optional(text("CIDR inside the subnet that addresses are given from")),
  Gateway: optional(text()),
  AuxiliaryAddresses: optional(map(text(), "Name to address that is never given")),
});
export type IPAMPool = Static<typeof IPAMPool>;

/** Address management of a network. */
export const IPAM = Type.Object({
  Driver: optional(text()),
  Options: optional(nullable(map(text()))),
  Config: optional(nullable(list(IPAMPool))),
});
export type IPAM = Static<typeof IPAM>;

/** Body of a network create. */
export const NetworkCreateConfig = Type.Object({
  Name: text(),
  CheckDuplicate: optional(flag("Always checked, whatever it says")),
  Driver: optional(text()),
  Scope: optional(text()),
  EnableIPv4: optional(flag()),
  EnableIPv6: optional(flag()),
  IPAM: optional(IPAM),
  Internal: optional(flag("No way out")),
  Attachable: optional(flag()),
  Ingress: optional(flag()),
  ConfigOnly: optional(flag()),
  ConfigFrom: optional(Type.Object({ Network: optional(text()) })),
  Options: optional(map(text())),
  Labels: optional(map(text())),
});
export type NetworkCreateConfig = Static<typeof NetworkCreateConfig>;

/** Answer to a network create. */
export const NetworkCreateResponse = Type.Object({ Id: text(), Warning: text() });
export type NetworkCreateResponse = Static<typeof NetworkCreateResponse>;

/** A container in a network's inspect. Addresses have their prefix length. */
export const NetworkContainer = Type.Object({
  Name: text(),
  EndpointID: text(),
  MacAddress: text(),
  IPv4Address: text(),
  IPv6Address: text(),
});
export type NetworkContainer = Static<typeof NetworkContainer>;

/** Everything about one network; lists leave `Containers` empty. */
export const NetworkInspect = Type.Object({
  Name: text(),
  Id: text(),
  Created: text("RFC 3339 with nanoseconds"),
  Scope: text(),
  Driver: text(),
  EnableIPv4: flag(),
  EnableIPv6: flag(),
  IPAM: IPAM,
  Internal: flag(),
  Attachable: flag(),
  Ingress: flag(),
  ConfigFrom: Type.Object({ Network: text() }),
  ConfigOnly: flag(),
  Containers: map(NetworkContainer, "By container id"),
  Options: nullable(map(text())),
  Labels: nullable(map(text())),
  Peers: optional(list(Type.Object({ Name: text(), IP: text() }))),
  Services: optional(map(Type.Unknown())),
});
export type NetworkInspect = Static<typeof NetworkInspect>;

/** Body of a connect. */
export const NetworkConnectRequest = Type.Object({ Container: text(), EndpointConfig: optional(EndpointSettings) });
export type NetworkConnectRequest = Static<typeof NetworkConnectRequest>;

/** Body of a disconnect. */
export const NetworkDisconnectRequest = Type.Object({ Container: text(), Force: optional(flag()) });
export type NetworkDisconnectRequest = Static<typeof NetworkDisconnectRequest>;

/** What a prune of networks removed. */
export const NetworkPruneResponse = Type.Object({ NetworksDeleted: nullable(list(text())), SpaceReclaimed: optional(integer()) });
export type NetworkPruneResponse = Static<typeof NetworkPruneResponse>;
