import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { overlaps, parseCidr } from "../../packages/engine/src/networks/ipam/cidr.ts";
import { hostRoutes } from "../../packages/engine/src/networks/ipam/host-routes.ts";

/** A subnet of each family, and what its addresses begin with. */
export interface Subnet {
  /** `10.131.7.0/24`. */
  cidr: string;
  /** `10.131.7.` */
  prefix: string;
  /** `fd77:131:7::/64`. */
  cidr6: string;
  /** `fd77:131:7::` */
  prefix6: string;
}

/** 10.128.0.0/11, of which tests and benchmarks have all that they put on the machine. */
const pool = { first: 128, size: 32 * 256 };

/**
 * A subnet to which this machine has no route, and which no other test is given for as long as this one's process lives. `draw`
 * chooses from so many.
 */
export function freeSubnet(draw: (count: number) => number = randomInt): Subnet {
  for (let tries = 0; tries < pool.size; tries++) {
    const number = draw(pool.size);
    const subnet = subnetAt(pool.first + Math.floor(number / 256), number % 256);
    if (claim(subnet) && !isRouted(subnet)) return subnet;
  }
  throw new Error("this machine has no free subnet in 10.128.0.0/11");
}

function subnetAt(second: number, third: number): Subnet {
  const [prefix, prefix6] = [`10.${second}.${third}.`, `fd77:${second}:${third}::`];
  return { cidr: `${prefix}0/24`, prefix, cidr6: `${prefix6}/64`, prefix6 };
}

/** The kernel keeps such a name for one socket of the network namespace, and lets it go with the process. */
function claim({ cidr }: Subnet): boolean {
  const server = createServer().on("error", () => undefined);
  server.listen(`\0pouch-test-subnet-${cidr}`).unref();
  // Of a name and not of a port: it was bound before `listen` returned, or never is.
  return server.listening;
}

function isRouted({ cidr, cidr6 }: Subnet): boolean {
  const ours = [cidr, cidr6].map(parseCidr);
  return hostRoutes().some((route) => ours.some((subnet) => overlaps(route, subnet)));
}
