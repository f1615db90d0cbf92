import type * as api from "@pouchcontainer/api";

/** What the store keeps of one network. */
export interface NetworkRecord {
  /** 64 lower-case hex digits. */
  id: string;
  name: string;
  /** RFC 3339 with nanoseconds, UTC. */
  created: string;
  driver: string;
  internal: boolean;
  attachable: boolean;
  ingress: boolean;
  configOnly: boolean;
  configFrom: string;
  enableIPv4: boolean;
  enableIPv6: boolean;
  ipam: {
    driver: string;
    options: Record<string, string> | null;
    config: api.IPAMPool[];
    /** Whether somebody chose the subnets; only then may containers ask for addresses. */ chosen: boolean;
  };
  options: Record<string, string>;
  labels: Record<string, string>;
  /** Its removal has begun: a daemon that finds it so finishes that. */
  removing?: boolean;
}

/** Networks every daemon has; they cannot be created or removed. */
export const predefinedNetworks = ["bridge", "host", "none"] as const;

export function isPredefined(name: string): boolean {
  return (predefinedNetworks as readonly string[]).includes(name);
}

export function inspectNetwork(record: NetworkRecord, containers: Record<string, api.NetworkContainer>): api.NetworkInspect {
  return {
    Name: record.name,
    Id: record.id,
    Created: record.created,
    Scope: "local",
    Driver: record.driver,
    EnableIPv4: record.enableIPv4,
    EnableIPv6: record.enableIPv6,
    IPAM: { Driver: record.ipam.driver, Options: record.ipam.options, Config: record.ipam.config },
    Internal: record.internal,
    Attachable: record.attachable,
    Ingress: record.ingress,
    ConfigFrom: { Network: record.configFrom },
    ConfigOnly: record.configOnly,
    Containers: containers,
    Options: record.options,
    Labels: record.labels,
  };
}
