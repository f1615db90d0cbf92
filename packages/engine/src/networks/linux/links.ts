import { linux, type Libc } from "@pouchcontainer/linux";
import { numberToAddress } from "../ipam/cidr.ts";
import { attribute, attributesOf, message, netlink, NetlinkError, NetlinkSocket, text, textOf } from "./netlink.ts";

/** Numbers of <linux/rtnetlink.h>, <linux/if_link.h>, <linux/if_addr.h>. */
const NETLINK_ROUTE = 0;
const RTM_GETLINK = 18;
const RTM_GETADDR = 22;
const IFLA = { name: 3, master: 10, linkInfo: 18, kind: 1, alias: 20 };
const IFA = { address: 1, local: 2 };

/** An interface as the kernel has it. */
export interface Link {
  index: number;
  name: string;
  up: boolean;
  /** Index of the bridge it is a port of. */
  master: number | undefined;
  /** `bridge`, `veth`, `vlan`…; undefined for hardware. */
  kind: string | undefined;
  /** What its maker wrote on it. */
  alias: string | undefined;
}

/**
 * Interfaces and their addresses in the calling thread's namespace, asked from the kernel by netlink. `/sys/class/net` shows
 * the namespace in which /sys was mounted, which after `nsenter --net` is another one.
 */
export class Links {
  readonly #libc: Libc;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** The interface of that name; undefined when there is none. */
  find(name: string): Link | undefined {
    try {
      const [found] = this.#ask(message(RTM_GETLINK, netlink.acknowledge, linkHeader(), attribute(IFLA.name, text(name))));
      return found && readLink(found);
    } catch (error) {
      if (error instanceof NetlinkError && error.code === "ENODEV") return undefined;
      throw error;
    }
  }

  list(): Link[] {
    return this.#ask(message(RTM_GETLINK, netlink.dump, linkHeader())).map(readLink);
  }

  /** Addresses of an interface, with the lengths of their prefixes: `10.0.0.1/24`. */
  addresses(link: Link): string[] {
    return this.#allAddresses().flatMap(({ index, address, prefixLength }) =>
      index === link.index ? [`${address}/${prefixLength}`] : [],
    );
  }

  /** Every address of this machine. */
  localAddresses(): Set<string> {
    return new Set(this.#allAddresses().map(({ address }) => address));
  }

  #allAddresses(): { index: number; address: string; prefixLength: number }[] {
    return this.#ask(message(RTM_GETADDR, netlink.dump, Buffer.alloc(8))).flatMap((body) => {
      const attributes = attributesOf(body, 8);
      const bytes = attributes.get(IFA.local) ?? attributes.get(IFA.address);
      return bytes ? [{ index: body.readUInt32LE(4), address: addressOf(bytes), prefixLength: body.readUInt8(1) }] : [];
    });
  }

  #ask(question: Buffer): Buffer[] {
    const socket = new NetlinkSocket(this.#libc, NETLINK_ROUTE);
    try {
      return socket.ask(question);
    } finally {
      socket.close();
    }
  }
}

function addressOf(bytes: Buffer): string {
  return numberToAddress(BigInt(`0x${bytes.toString("hex")}`), bytes.length === 4 ? 4 : 6);
}

/** struct ifinfomsg */
function linkHeader(): Buffer {
  return Buffer.alloc(16);
}

function readLink(body: Buffer): Link {
  const attributes = attributesOf(body, 16);
  const info = attributes.get(IFLA.linkInfo);
  return {
    index: body.readInt32LE(4),
    name: textOf(attributes.get(IFLA.name)) ?? "",
    up: (body.readUInt32LE(8) & linux.IFF_UP) !== 0,
    master: attributes.get(IFLA.master)?.readUInt32LE(0),
    kind: info && textOf(attributesOf(info).get(IFLA.kind)),
    alias: textOf(attributes.get(IFLA.alias)),
  };
}
