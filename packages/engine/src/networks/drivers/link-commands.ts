import type { EndpointRecord } from "../sandbox-record.ts";

/** What gives an interface inside a namespace its addresses and raises it. */
export function addressCommands(endpoint: EndpointRecord): string[] {
  const device = endpoint.interfaceName;
  const commands: string[] = [];
  if (endpoint.ipv4)
    commands.push(`address add ${endpoint.ipv4.address}/${endpoint.ipv4.prefixLength} broadcast + dev ${device}`);
  // Duplicate address detection would hold the address back for a second; the engine gives none twice.
  if (endpoint.ipv6) commands.push(`address add ${endpoint.ipv6.address}/${endpoint.ipv6.prefixLength} dev ${device} nodad`);
  commands.push(`link set dev ${device} up`);
  return commands;
}

/** Docker's derivation: 02:42 and the four bytes of the address, so that a neighbour's cache stays right after a restart. */
export function macFor(ipv4: string | undefined, random: () => Buffer): string {
  const tail = ipv4 === undefined ? random().subarray(0, 4) : Buffer.from(ipv4.split(".").map(Number));
  return [0x02, 0x42, ...tail].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
