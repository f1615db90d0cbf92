import { invalidArgument, resourceExhausted } from "@pouchcontainer/errors";
import type { NetworkRecord } from "../network-record.ts";
import type { EndpointAddress } from "../sandbox-record.ts";
import { AddressPool } from "./address-pool.ts";
import { isAddress, type Cidr, type Family } from "./cidr.ts";

/** The pools of all networks. */
export class AddressManager {
  readonly #pools = new Map<string, AddressPool[]>();

  /** Also the check of a network's configuration: throws what is wrong with it. */
  static poolsOf(network: NetworkRecord): AddressPool[] {
    return network.ipam.config.flatMap((pool) =>
      pool.Subnet === undefined
        ? []
        : [
            new AddressPool({
              subnet: pool.Subnet,
              range: pool.IPRange,
              gateway: pool.Gateway,
              auxiliary: pool.AuxiliaryAddresses,
            }),
          ],
    );
  }

  add(network: NetworkRecord): void {
    this.#pools.set(network.id, AddressManager.poolsOf(network));
  }

  remove(networkId: string): void {
    this.#pools.delete(networkId);
  }

  subnets(): Cidr[] {
    return [...this.#pools.values()].flat().map((pool) => pool.subnet);
  }

  /** One address of a family: the one asked for, or any that is free. */
  take(network: NetworkRecord, family: Family, wanted: string | undefined): EndpointAddress {
    const pools = this.#family(network.id, family);
    if (wanted !== undefined && wanted !== "") return this.#takeWanted(pools, wanted);
    for (const pool of pools) {
      const address = pool.take();
      if (address !== undefined) return describe(pool, address);
    }
    throw resourceExhausted(
      `no available IPv${family} addresses on this network's address pools: ${network.name} (${network.id})`,
    );
  }

  hold(networkId: string, addresses: (EndpointAddress | undefined)[]): void {
    for (const held of addresses) if (held) this.#poolOf(networkId, held.address)?.hold(held.address);
  }

  give(networkId: string, addresses: (EndpointAddress | undefined)[]): void {
    for (const held of addresses) if (held) this.#poolOf(networkId, held.address)?.give(held.address);
  }

  #takeWanted(pools: AddressPool[], wanted: string): EndpointAddress {
    const pool = isAddress(wanted) ? pools.find((each) => each.contains(wanted)) : undefined;
    if (!pool) throw invalidArgument(`invalid address ${wanted}: It does not belong to any of this network's subnets`);
    return describe(pool, pool.takeExactly(wanted));
  }

  #family(networkId: string, family: Family): AddressPool[] {
    return (this.#pools.get(networkId) ?? []).filter((pool) => pool.subnet.family === family);
  }

  #poolOf(networkId: string, address: string): AddressPool | undefined {
    return this.#pools.get(networkId)?.find((pool) => pool.contains(address));
  }
}

function describe(pool: AddressPool, address: string): EndpointAddress {
  return { address, prefixLength: pool.subnet.prefixLength, gateway: pool.gateway };
}
