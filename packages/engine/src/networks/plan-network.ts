import type * as api from "@pouchcontainer/api";
import { forbidden, invalidArgument, notFound } from "@pouchcontainer/errors";
import { interfacePrefix } from "./drivers/bridge-options.ts";
import type { NetworkDriver } from "./drivers/network-driver.ts";
import { goTime } from "./go-time.ts";
import { completeIpam, type IpamSurroundings } from "./ipam/complete-ipam.ts";
import type { DriverTable } from "./network-readiness.ts";
import { isPredefined, type NetworkRecord } from "./network-record.ts";
import { newId } from "./network-registry.ts";

export interface PlanNetworkDeps {
  drivers: DriverTable;
  clock: () => Date;
}

/** What a network comes to be among. */
export interface NetworkSurroundings extends IpamSurroundings {
  others: NetworkRecord[];
  /** A network that only holds configuration, which it is made from. */
  template?: NetworkRecord | undefined;
}

/** Docker allows every other: blanks, slashes and what no shell likes. */
export function refuseBadName(name: string): void {
  if (name.trim() === "") throw invalidArgument(`invalid name: ${name}`);
  if (isPredefined(name) || name === "default") throw forbidden(`operation is not permitted on predefined ${name} network `);
}

/** Refuses what belongs to swarm mode. */
export function refuseSwarm({ Ingress, Scope }: api.NetworkCreateConfig): void {
  if (Ingress === true) throw invalidArgument("ingress networks belong to swarm mode, which this engine does not have");
  if (Scope !== undefined && Scope !== "" && Scope !== "local")
    throw invalidArgument(`invalid scope "${Scope}": this engine has local networks only`);
}

/** The record of a network that is asked for. Refuses what cannot be; allocates nothing. */
export function planNetwork(
  { drivers, clock }: PlanNetworkDeps,
  config: api.NetworkCreateConfig,
  { template, others, ...around }: NetworkSurroundings,
): NetworkRecord {
  const driver = requiredDriver(drivers, template?.driver ?? (config.Driver || "bridge"));
  if (config.IPAM?.Driver !== undefined && !["", "default"].includes(config.IPAM.Driver))
    throw notFound(`plugin "${config.IPAM.Driver}" not found`);
  const asked = template?.ipam.config ?? config.IPAM?.Config ?? [];
  const enableIPv4 = config.EnableIPv4 ?? template?.enableIPv4 ?? true;
  const enableIPv6 = config.EnableIPv6 ?? template?.enableIPv6 ?? false;
  if (!enableIPv4 && !enableIPv6) throw invalidArgument("IPv4 or IPv6 must be enabled");
  const configOnly = config.ConfigOnly === true;
  const options = { ...template?.options, ...config.Options };
  const isManaged = driver.managesAddresses({ options }) && !configOnly;
  const pools = isManaged ? completeIpam({ config: asked, enableIPv4, enableIPv6 }, around) : asked;
  const chosen = asked.some((pool) => Boolean(pool.Subnet));
  const record: NetworkRecord = {
    id: newId(),
    name: config.Name,
    created: goTime(clock()),
    driver: driver.name,
    internal: config.Internal ?? template?.internal ?? false,
    attachable: config.Attachable ?? false,
    ingress: false,
    configOnly,
    configFrom: template?.name ?? "",
    enableIPv4,
    enableIPv6,
    ipam: { driver: "default", options: config.IPAM?.Options ?? null, config: pools, chosen },
    options,
    labels: config.Labels ?? {},
  };
  interfacePrefix(record);
  if (!configOnly) driver.validate(record, others);
  return record;
}

function requiredDriver(drivers: DriverTable, name: string): NetworkDriver {
  const driver = drivers.get(name);
  if (!driver) throw notFound(`plugin "${name}" not found`);
  if (name === "host" || name === "null") throw forbidden(`only one instance of "${name}" network is allowed`);
  return driver;
}
