import { internal } from "@pouchcontainer/errors";
import { linux, type Libc } from "@pouchcontainer/linux";
import ipaddr from "ipaddr.js";
import { closeSync } from "node:fs";
import { familyOf } from "../ipam/cidr.ts";
import { attribute, message, netlink, NetlinkError, NetlinkSocket, uint32BE, uint32LE } from "./netlink.ts";

/** What is done to an interface inside a container's namespace. */
export type LinkChange =
  | { do: "add address"; device: string; address: string; prefixLength: number }
  | { do: "raise"; device: string }
  /** Replaces the default route of the family; without a gateway it goes through the interface itself. */
  | { do: "default route"; device: string; family: 4 | 6; gateway?: string }
  /** Succeeds when there is no such interface. */
  | { do: "delete"; device: string };

/** Numbers of <linux/rtnetlink.h>, <linux/if_addr.h>, <linux/sockios.h>. */
const NETLINK_ROUTE = 0;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_NEWADDR = 20;
const RTM_NEWROUTE = 24;
const IFA = { address: 1, local: 2, broadcast: 4, noDuplicateDetection: 0x02 };
const RTA = { outgoing: 4, gateway: 5 };
const route = { mainTable: 254, byBoot: 3, everywhere: 0, onLink: 253, unicast: 1 };
const SIOCGIFINDEX = 0x8933n;

/**
 * Carries changes out in the calling thread's namespace, in order, over one rtnetlink socket: a few dozen microseconds each,
 * where a process for them would cost milliseconds of every start. Throws at the first the kernel refuses, saying which.
 */
export function applyLinkChanges(libc: Libc, changes: LinkChange[]): void {
  const socket = new NetlinkSocket(libc, NETLINK_ROUTE);
  try {
    for (const change of changes) applyOne(libc, socket, change);
  } finally {
    socket.close();
  }
}

function applyOne(libc: Libc, socket: NetlinkSocket, change: LinkChange): void {
  const index = interfaceIndex(libc, change.device);
  if (index === undefined) {
    if (change.do === "delete") return;
    throw internal(`cannot ${describe(change)}: there is no interface ${change.device}`);
  }
  try {
    socket.transact(encode(change, index), 1);
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    if (change.do === "delete" && error.code === "ENODEV") return;
    throw internal(`cannot ${describe(change)}: ${error.message}`, { cause: error });
  }
}

function encode(change: LinkChange, index: number): Buffer {
  switch (change.do) {
    case "raise":
      return message(RTM_NEWLINK, netlink.acknowledge, linkHeader(index, linux.IFF_UP));
    case "delete":
      return message(RTM_DELLINK, netlink.acknowledge, linkHeader(index, 0));
    case "add address":
      return encodeAddress(change, index);
    default:
      return encodeDefaultRoute(change, index);
  }
}

function encodeDefaultRoute({ family, gateway }: { family: 4 | 6; gateway?: string }, index: number): Buffer {
  const header = Buffer.alloc(12);
  header[0] = family === 4 ? linux.AF_INET : linux.AF_INET6;
  header[4] = route.mainTable;
  header[5] = route.byBoot;
  header[6] = gateway === undefined ? route.onLink : route.everywhere;
  header[7] = route.unicast;
  const via = gateway === undefined ? [] : [attribute(RTA.gateway, bytesOf(gateway))];
  const flags = netlink.acknowledge | netlink.create | netlink.replace;
  return message(RTM_NEWROUTE, flags, header, ...via, attribute(RTA.outgoing, uint32LE(index)));
}

function encodeAddress({ address, prefixLength }: { address: string; prefixLength: number }, index: number): Buffer {
  const v4 = familyOf(address) === 4;
  const bytes = bytesOf(address);
  const header = Buffer.alloc(8);
  header[0] = v4 ? linux.AF_INET : linux.AF_INET6;
  header[1] = prefixLength;
  // The engine gives no address twice; looking for duplicates would hold it back for a second.
  header[2] = v4 ? 0 : IFA.noDuplicateDetection;
  header.writeUInt32LE(index, 4);
  const broadcast = v4 && prefixLength < 31 ? [attribute(IFA.broadcast, broadcastOf(bytes, prefixLength))] : [];
  const flags = netlink.acknowledge | netlink.create | netlink.exclusive;
  return message(RTM_NEWADDR, flags, header, attribute(IFA.local, bytes), attribute(IFA.address, bytes), ...broadcast);
}

/** struct ifinfomsg */
function linkHeader(index: number, flags: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(flags, 8);
  header.writeUInt32LE(flags, 12);
  return header;
}

function broadcastOf(address: Buffer, prefixLength: number): Buffer {
  return uint32BE((address.readUInt32BE(0) | (0xffff_ffff >>> prefixLength)) >>> 0);
}

function bytesOf(address: string): Buffer {
  return Buffer.from(ipaddr.parse(address).toByteArray());
}

/** struct ifreq: the name, then the index. */
function interfaceIndex(libc: Libc, device: string): number | undefined {
  const request = Buffer.alloc(40);
  request.write(device, 0, 15);
  const socket = libc.call("socket", linux.AF_INET, linux.SOCK_DGRAM | linux.SOCK_CLOEXEC, 0);
  try {
    libc.call("ioctl", socket, SIOCGIFINDEX, request);
    return request.readInt32LE(16);
  } catch {
    return undefined;
  } finally {
    closeSync(socket);
  }
}

function describe(change: LinkChange): string {
  switch (change.do) {
    case "add address":
      return `give ${change.device} the address ${change.address}/${change.prefixLength}`;
    case "default route":
      return `lead the default route through ${change.device}${change.gateway === undefined ? "" : ` to ${change.gateway}`}`;
    default:
      return `${change.do} ${change.device}`;
  }
}
