import type * as api from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { randomBytes } from "node:crypto";
import { AddressPool } from "./address-pool.ts";
import { overlaps, parseCidr, type Cidr, type Family } from "./cidr.ts";
import { chooseSubnet, refuseOverlap, type DefaultPool } from "./default-pools.ts";

export interface IpamRequest {
  config: api.IPAMPool[];
  enableIPv4: boolean;
  enableIPv6: boolean;
}

export interface IpamSurroundings {
  defaultPools: DefaultPool[];
  /** Subnets of the other networks. */
  networks: Cidr[];
  /** What the host has routes to. */
  hostRoutes: Cidr[];
}

/** What was asked for, with a subnet for every family and a gateway for every subnet. Refuses what cannot be. */
export function completeIpam(request: IpamRequest, around: IpamSurroundings): api.IPAMPool[] {
  const pools = request.config.map((pool) => {
    if (!pool.Subnet) {
      if (pool.IPRange || pool.Gateway || Object.keys(pool.AuxiliaryAddresses ?? {}).length > 0)
        throw invalidArgument("no matching subnet for gateway, ip-range or aux-address");
      return undefined;
    }
    const subnet = parseCidr(pool.Subnet);
    refuseOverlap(subnet, around.networks);
    return { ...pool, Subnet: subnet.text };
  });
  const asked = pools.filter((pool) => pool !== undefined);
  refuseTwice(asked);
  for (const [family, wanted] of [
    [4, request.enableIPv4],
    [6, request.enableIPv6],
  ] as const) {
    const has = asked.some((pool) => parseCidr(pool.Subnet).family === family);
    if (wanted && !has) asked.push({ Subnet: freeSubnet(family, around) });
    if (!wanted && has)
      throw invalidArgument(`IPv${family} address pool configured for a network that has IPv${family} disabled`);
  }
  return asked.map(withGateway);
}

function freeSubnet(family: Family, around: IpamSurroundings): string {
  const taken = [...around.networks, ...around.hostRoutes];
  const configured = around.defaultPools.filter((pool) => parseCidr(pool.base).family === family);
  if (configured.length > 0 || family === 4) return chooseSubnet(configured, family, taken);
  // A unique local prefix (RFC 4193): 40 random bits make a collision with any other site's unlikely.
  const site = randomBytes(5).toString("hex");
  return chooseSubnet([{ base: `fd${site.slice(0, 2)}:${site.slice(2, 6)}:${site.slice(6)}::/48`, size: 64 }], 6, taken);
}

function withGateway(pool: api.IPAMPool & { Subnet: string }): api.IPAMPool {
  const made = new AddressPool({
    subnet: pool.Subnet,
    range: pool.IPRange,
    gateway: pool.Gateway,
    auxiliary: pool.AuxiliaryAddresses,
  });
  return { ...pool, Gateway: pool.Gateway === undefined || pool.Gateway === "" ? made.gateway : pool.Gateway };
}

function refuseTwice(pools: { Subnet: string }[]): void {
  const seen: Cidr[] = [];
  for (const pool of pools) {
    const subnet = parseCidr(pool.Subnet);
    if (seen.some((other) => overlaps(subnet, other)))
      throw invalidArgument("multiple overlapping subnet configuration is not supported");
    seen.push(subnet);
  }
}
