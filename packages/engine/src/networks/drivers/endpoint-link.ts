import type { LinkChange } from "../linux/link-changes.ts";
import type { EndpointRecord } from "../sandbox-record.ts";

/** What gives an interface inside a namespace its addresses and raises it. */
export function addressChanges(endpoint: EndpointRecord): LinkChange[] {
  const device = endpoint.interfaceName;
  const addresses = [endpoint.ipv4, endpoint.ipv6].flatMap((held): LinkChange[] =>
    held ? [{ do: "add address", device, address: held.address, prefixLength: held.prefixLength }] : [],
  );
  return [...addresses, { do: "raise", device }];
}

/** Docker's derivation: 02:42 and the four bytes of the address, so that a neighbour's cache stays right after a restart. */
export function macFor(ipv4: string | undefined, random: () => Buffer): string {
  const tail = ipv4 === undefined ? random().subarray(0, 4) : Buffer.from(ipv4.split(".").map(Number));
  return [0x02, 0x42, ...tail].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
