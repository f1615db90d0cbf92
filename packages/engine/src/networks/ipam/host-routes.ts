import { readFileSync } from "node:fs";
import { parseCidr, type Cidr } from "./cidr.ts";

/** Subnets the host itself has a route to, default routes left out: a network of ours must not shadow one. */
export function hostRoutes(procRoot = "/proc"): Cidr[] {
  return [...ipv4Routes(read(`${procRoot}/net/route`)), ...ipv6Routes(read(`${procRoot}/net/ipv6_route`))];
}

/** Addresses as the kernel's table has them: little-endian hex. */
function ipv4Routes(table: string): Cidr[] {
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const fields = line.split("\t");
      const [, destination, , , , , , mask] = fields;
      if (destination === undefined || mask === undefined || mask === "00000000") return [];
      const bytes = Buffer.from(destination, "hex").reverse();
      const length = [...Buffer.from(mask, "hex")].reduce((bits, byte) => bits + bitCount(byte), 0);
      return [parseCidr(`${bytes.join(".")}/${length}`)];
    });
}

function ipv6Routes(table: string): Cidr[] {
  return table.split("\n").flatMap((line) => {
    const [destination, length, , , , , , , flags, device] = line.split(/\s+/);
    if (destination === undefined || length === undefined || flags === undefined || device === "lo") return [];
    const prefixLength = parseInt(length, 16);
    const address = destination.replace(/(.{4})(?!$)/g, "$1:");
    const everywhere = prefixLength < 8 || /^f[ef]/.test(address); // default, link-local and multicast routes
    return everywhere ? [] : [parseCidr(`${address}/${prefixLength}`)];
  });
}

function bitCount(byte: number): number {
  return byte.toString(2).replaceAll("0", "").length;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // A kernel without this family.
  }
}
