import { invalidArgument } from "@pouchcontainer/errors";
import ipaddr from "ipaddr.js";

export type Family = 4 | 6;

/** A subnet as a range of numbers. */
export interface Cidr {
  family: Family;
  prefixLength: number;
  first: bigint;
  last: bigint;
  /** Canonical text: `10.0.0.0/24`. */
  text: string;
}

export function familyOf(address: string): Family {
  return address.includes(":") ? 6 : 4;
}

export function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || (text.includes(":") && ipaddr.IPv6.isValid(text));
}

export function addressToNumber(address: string): bigint {
  return BigInt(`0x${Buffer.from(ipaddr.parse(address).toByteArray()).toString("hex")}`);
}

export function numberToAddress(value: bigint, family: Family): string {
  const digits = value.toString(16).padStart(family === 4 ? 8 : 32, "0");
  const parsed = ipaddr.fromByteArray([...Buffer.from(digits, "hex")]);
  return parsed.kind() === "ipv6" ? (parsed as ipaddr.IPv6).toRFC5952String() : parsed.toString();
}

/** The one spelling of an address that the kernel and Go have: short, in lower case, and of IPv4 where IPv6 only wraps it. */
export function canonicalAddress(address: string): string {
  const parsed = ipaddr.process(address);
  return parsed.kind() === "ipv6" ? (parsed as ipaddr.IPv6).toRFC5952String() : parsed.toString();
}

/** The subnet an address with a prefix length lies in; the address itself may be any in it. */
export function parseCidr(text: string): Cidr {
  const [address, length, ...rest] = text.split("/");
  const prefixLength = Number(length);
  const valid = address !== undefined && isAddress(address) && length !== undefined && /^\d+$/.test(length) && rest.length === 0;
  const bits = valid ? (familyOf(address) === 4 ? 32 : 128) : 0;
  if (!valid || prefixLength > bits) throw invalidArgument(`invalid CIDR address: ${text}`);
  const family = familyOf(address);
  const size = 1n << BigInt(bits - prefixLength);
  const first = (addressToNumber(address) / size) * size;
  return { family, prefixLength, first, last: first + size - 1n, text: `${numberToAddress(first, family)}/${prefixLength}` };
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

export function contains(subnet: Cidr, address: string): boolean {
  if (!isAddress(address) || familyOf(address) !== subnet.family) return false;
  const value = addressToNumber(address);
  return value >= subnet.first && value <= subnet.last;
}

export function within(inner: Cidr, outer: Cidr): boolean {
  return inner.family === outer.family && inner.first >= outer.first && inner.last <= outer.last;
}
