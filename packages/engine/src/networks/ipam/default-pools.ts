import { forbidden, resourceExhausted } from "@pouchcontainer/errors";
import { numberToAddress, overlaps, parseCidr, type Cidr, type Family } from "./cidr.ts";

/** A range that networks without a subnet of their own are cut from; `size` is the prefix length of one. */
export interface DefaultPool {
  base: string;
  size: number;
}

/** Docker's: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16 in pieces of /20. */
export const dockerPools: DefaultPool[] = [
  ...Array.from({ length: 15 }, (_, index) => ({ base: `172.${17 + index}.0.0/16`, size: 16 })),
  { base: "192.168.0.0/16", size: 20 },
];

/** The first piece of the pools that collides with nothing in `taken`. */
export function chooseSubnet(pools: DefaultPool[], family: Family, taken: Cidr[]): string {
  for (const pool of pools) {
    const base = parseCidr(pool.base);
    if (base.family !== family) continue;
    const step = 1n << BigInt((family === 4 ? 32 : 128) - pool.size);
    for (let first = base.first; first <= base.last;) {
      const candidate = parseCidr(`${numberToAddress(first, family)}/${pool.size}`);
      const obstacle = taken.find((other) => overlaps(candidate, other));
      if (!obstacle) return candidate.text;
      // An obstacle bigger than the step is jumped over at once.
      const next = obstacle.last > candidate.last ? obstacle.last + 1n : candidate.last + 1n;
      first = ((next + step - 1n) / step) * step;
    }
  }
  throw resourceExhausted("all predefined address pools have been fully subnetted");
}

/** Refuses a subnet that another network has (Docker's words). */
export function refuseOverlap(subnet: Cidr, networks: Cidr[]): void {
  if (networks.some((other) => overlaps(subnet, other))) throw forbidden("Pool overlaps with other one on this address space");
}
