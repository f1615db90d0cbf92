import { linux, type Libc } from "@pouchcontainer/linux";
import ipaddr from "ipaddr.js";
import { embeddedResolver } from "../files/resolv-conf.ts";
import { attribute, message, nested, netlink, NetlinkSocket, text, uint32BE } from "../linux/netlink.ts";

/** Numbers of <linux/netfilter/nfnetlink.h> and <linux/netfilter/nf_tables.h>. */
const NETLINK_NETFILTER = 12;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG = { newTable: 0, deleteTable: 2, newChain: 3, newRule: 6 };
const NFT_REG_1 = 1;
const NFT_REG_2 = 2;
const NF_INET_LOCAL_OUT = 3;
/** Where translation of a machine's own packets belongs. */
const dstnatPriority = -100;
const table = "pouch_resolver";

/**
 * Leads port 53 of 127.0.0.11 to the resolver's sockets, in a table of the container's own namespace. In nft's words:
 *
 *     table ip pouch_resolver { chain output { type nat hook output priority -100;
 *       ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:UDP-PORT
 *       ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:TCP-PORT } }
 *
 * Written to the kernel directly, because nft itself would take longer than all the rest of a container's network. Runs on
 * the calling thread, inside the namespace. `replace` takes the table of before away in the same transaction, for which the
 * kernel waits about 10 ms; a fresh namespace has none.
 */
export function applyResolverRules(libc: Libc, ports: { udpPort: number; tcpPort: number }, options: { replace: boolean }): void {
  const socket = new NetlinkSocket(libc, NETLINK_NETFILTER);
  try {
    const before = [
      command(NFT_MSG.newTable, netlink.create, attribute(1, text(table))),
      command(NFT_MSG.deleteTable, 0, attribute(1, text(table))),
    ];
    const messages = [
      ...(options.replace ? before : []),
      command(NFT_MSG.newTable, netlink.create, attribute(1, text(table))),
      command(
        NFT_MSG.newChain,
        netlink.create,
        attribute(1, text(table)),
        attribute(3, text("output")),
        hook(),
        attribute(7, text("nat")),
      ),
      rule(17, ports.udpPort),
      rule(6, ports.tcpPort),
    ];
    socket.transact(Buffer.concat([bound(NFNL_MSG_BATCH_BEGIN), ...messages, bound(NFNL_MSG_BATCH_END)]), messages.length);
  } finally {
    socket.close();
  }
}

function hook(): Buffer {
  return nested(4, attribute(1, uint32BE(NF_INET_LOCAL_OUT)), attribute(2, uint32BE(dstnatPriority >>> 0)));
}

function rule(protocol: number, port: number): Buffer {
  const resolver = Buffer.from(ipaddr.parse(embeddedResolver).toByteArray());
  const expressions = [
    payload({ networkHeader: true, offset: 16, length: 4 }),
    compare(resolver),
    expression("meta", attribute(2, uint32BE(16)), attribute(1, uint32BE(NFT_REG_1))), // layer-4 protocol
    compare(Buffer.from([protocol])),
    payload({ networkHeader: false, offset: 2, length: 2 }),
    compare(port16(53)),
    immediate(NFT_REG_1, resolver),
    immediate(NFT_REG_2, port16(port)),
    // Destination translation, IPv4, to the address and port in the two registers.
    expression(
      "nat",
      attribute(1, uint32BE(1)),
      attribute(2, uint32BE(linux.AF_INET)),
      attribute(3, uint32BE(NFT_REG_1)),
      attribute(5, uint32BE(NFT_REG_2)),
    ),
  ];
  return command(
    NFT_MSG.newRule,
    netlink.create | 0x800,
    attribute(1, text(table)),
    attribute(2, text("output")),
    nested(4, ...expressions),
  );
}

function payload(field: { networkHeader: boolean; offset: number; length: number }): Buffer {
  const base = field.networkHeader ? 1 : 2;
  return expression(
    "payload",
    attribute(1, uint32BE(NFT_REG_1)),
    attribute(2, uint32BE(base)),
    attribute(3, uint32BE(field.offset)),
    attribute(4, uint32BE(field.length)),
  );
}

function compare(value: Buffer): Buffer {
  return expression("cmp", attribute(1, uint32BE(NFT_REG_1)), attribute(2, uint32BE(0)), nested(3, attribute(1, value)));
}

function immediate(register: number, value: Buffer): Buffer {
  return expression("immediate", attribute(1, uint32BE(register)), nested(2, attribute(1, value)));
}

function expression(name: string, ...data: Buffer[]): Buffer {
  return nested(1, attribute(1, text(name)), nested(2, ...data));
}

/** struct nfgenmsg: family, version, and the subsystem for the ends of a batch. */
function command(type: number, flags: number, ...attributes: Buffer[]): Buffer {
  return message(
    (NFNL_SUBSYS_NFTABLES << 8) | type,
    netlink.acknowledge | flags,
    Buffer.from([linux.AF_INET, 0, 0, 0]),
    ...attributes,
  );
}

function bound(type: number): Buffer {
  return message(type, 0, Buffer.from([0, 0, 0, NFNL_SUBSYS_NFTABLES]));
}

function port16(port: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16BE(port);
  return buffer;
}
