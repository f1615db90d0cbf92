import { linux, SystemCallError, type Libc } from "@pouchcontainer/linux";
import { closeSync } from "node:fs";
import ipaddr from "ipaddr.js";
import { familyOf } from "../ipam/cidr.ts";
import type { PortProtocol } from "../sandbox-record.ts";

/**
 * Binds a socket in the calling thread's namespace; one for a stream protocol listens, because that alone keeps other
 * programs off the port while connections of its last owner still linger. Returns the descriptor; undefined where this
 * kernel has no such protocol (SCTP is often left out), when nothing else can be listening with it either.
 */
export function bindSocket(libc: Libc, protocol: PortProtocol, address: string, port: number): number | undefined {
  const v6 = familyOf(address) === 6;
  const type = (protocol === "udp" ? linux.SOCK_DGRAM : linux.SOCK_STREAM) | linux.SOCK_NONBLOCK | linux.SOCK_CLOEXEC;
  let socket: number;
  try {
    socket = libc.call("socket", v6 ? linux.AF_INET6 : linux.AF_INET, type, protocol === "sctp" ? linux.IPPROTO_SCTP : 0);
  } catch (error) {
    if (error instanceof SystemCallError && ["EPROTONOSUPPORT", "EAFNOSUPPORT", "ESOCKTNOSUPPORT"].includes(error.code))
      return undefined;
    throw error;
  }
  try {
    if (v6) libc.call("setsockopt", socket, linux.IPPROTO_IPV6, linux.IPV6_V6ONLY, int32(1), 4);
    if (protocol !== "udp") libc.call("setsockopt", socket, linux.SOL_SOCKET, linux.SO_REUSEADDR, int32(1), 4);
    const name = socketAddress(address, port);
    libc.call("bind", socket, name, name.length);
    if (protocol !== "udp") libc.call("listen", socket, 128);
    return socket;
  } catch (error) {
    closeSync(socket);
    throw error;
  }
}

/** The port a bound socket got. */
export function portOf(libc: Libc, socket: number): number {
  const name = Buffer.alloc(28);
  const length = int32(name.length);
  libc.call("getsockname", socket, name, length);
  return name.readUInt16BE(2);
}

/** struct sockaddr_in or sockaddr_in6. */
export function socketAddress(address: string, port: number): Buffer {
  const v6 = familyOf(address) === 6;
  const name = Buffer.alloc(v6 ? 28 : 16);
  name.writeUInt16LE(v6 ? linux.AF_INET6 : linux.AF_INET, 0);
  name.writeUInt16BE(port, 2);
  name.set(ipaddr.parse(address).toByteArray(), v6 ? 8 : 4);
  return name;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}
