import ipaddr from "ipaddr.js";
import { numberToAddress } from "../ipam/cidr.ts";
import { encodeName, recordType, type DnsQuery, type DnsRecord } from "./dns-message.ts";

/** The names one container can ask for. */
export interface NameSource {
  lookup(name: string, family: 4 | 6): string[] | undefined;
  reverse(address: string): string | undefined;
}

/**
 * The records that answer a query about one of our containers, undefined when it is about anything else. Several addresses
 * come in an order that turns with every answer.
 */
export function answerQuery(query: DnsQuery, source: NameSource, turn: number): DnsRecord[] | undefined {
  const { name, type } = query;
  if (name === undefined || !query.internet) return undefined;
  if (type === recordType.ptr) {
    const address = addressOfReverseName(name);
    const owner = address === undefined ? undefined : source.reverse(address);
    const data = owner === undefined ? undefined : encodeName(owner);
    return data && [{ type, data }];
  }
  if (type !== recordType.a && type !== recordType.aaaa) {
    // A name of ours has no other records; asking the outside about it would tell the outside.
    return source.lookup(name, 4) && [];
  }
  const addresses = source.lookup(name, type === recordType.a ? 4 : 6);
  if (addresses === undefined) return undefined;
  const start = addresses.length === 0 ? 0 : turn % addresses.length;
  const turned = [...addresses.slice(start), ...addresses.slice(0, start)];
  return turned.map((address) => ({ type, data: Buffer.from(ipaddr.parse(address).toByteArray()) }));
}

/** `4.3.2.1.in-addr.arpa` and nibbles under `ip6.arpa`. */
export function addressOfReverseName(name: string): string | undefined {
  const lower = name.toLowerCase();
  const v4 = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(lower)?.[1];
  if (v4 !== undefined) {
    const bytes = v4.split(".").slice(0, 4).map(Number);
    return bytes.every((byte) => byte < 256) ? bytes.reverse().join(".") : undefined;
  }
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(lower)?.[1];
  if (v6 === undefined) return undefined;
  return numberToAddress(BigInt(`0x${v6.split(".").reverse().join("")}`), 6);
}
