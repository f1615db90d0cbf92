import { linux, type Libc } from "@pouchcontainer/linux";
import { familyOf, numberToAddress, type Family } from "../ipam/cidr.ts";
import {
  askPatiently,
  attribute,
  attributesOf,
  message,
  nested,
  netlink,
  NetlinkError,
  NetlinkSocket,
  uint32LE,
} from "./netlink.ts";

/** Numbers of <linux/netfilter/nfnetlink.h>, <linux/netfilter/nfnetlink_conntrack.h>, <linux/in.h>. */
const NETLINK_NETFILTER = 12;
const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT = { get: 1, delete: 2 };
const CTA = { tupleOriginal: 1, tupleReply: 2, id: 12, zone: 18, filter: 25 };
const CTA_TUPLE = { ip: 1, protocol: 2 };
const CTA_IP = { source4: 1, destination4: 2, source6: 3, destination6: 4 };
const CTA_PROTO = { number: 1, destinationPort: 3 };
const CTA_FILTER_ORIG_FLAGS = 1;
/** What the kernel compares for us (Linux 5.8; an older one tells of every flow). */
const CTA_FILTER_F = { protocol: 1 << 3, destinationPort: 1 << 5 };
const IPPROTO_UDP = 17;
/** struct nfgenmsg: family, version, resource. */
const generalBytes = 4;

/** A flow the kernel translates, or has decided not to. */
export interface UdpFlow {
  /** Where its first packet was sent. */
  destination: string;
  destinationPort: number;
  /** Where its answers come from: the container, once it is translated. */
  answeredBy: string;
  /** What names it to the kernel. */
  key: Buffer[];
}

/**
 * UDP flows in the kernel's table, asked and ended over ctnetlink in the calling thread's namespace. A flow keeps the
 * translation its first packet got for as long as packets come, whatever the rules say by then.
 */
export class UdpFlows {
  readonly #libc: Libc;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Flows that were begun to one of the ports, of one family. */
  async to(ports: ReadonlySet<number>, family: Family): Promise<UdpFlow[]> {
    const [port] = ports.size === 1 ? ports : [];
    const protocol = [
      attribute(CTA_PROTO.number, Buffer.from([IPPROTO_UDP])),
      ...(port === undefined ? [] : [attribute(CTA_PROTO.destinationPort, uint16BE(port))]),
    ];
    const flags = CTA_FILTER_F.protocol | (port === undefined ? 0 : CTA_FILTER_F.destinationPort);
    const question = request(IPCTNL_MSG_CT.get, netlink.dump, family, [
      nested(CTA.tupleOriginal, nested(CTA_TUPLE.protocol, ...protocol)),
      nested(CTA.filter, attribute(CTA_FILTER_ORIG_FLAGS, uint32LE(flags))),
    ]);
    // The kernel walks its whole table: 5 ms when that is empty and has Linux' usual size, 20 with 100,000 flows.
    const found = await askPatiently(this.#libc, NETLINK_NETFILTER, question);
    return found.flatMap((body) => readUdpFlow(body) ?? []).filter((flow) => ports.has(flow.destinationPort));
  }

  /** Ends flows: their next packet is looked at as a first one. One that has ended by itself is fine. */
  end(flows: UdpFlow[]): void {
    if (flows.length === 0) return;
    const socket = new NetlinkSocket(this.#libc, NETLINK_NETFILTER);
    try {
      for (const flow of flows) {
        try {
          socket.transact(request(IPCTNL_MSG_CT.delete, netlink.acknowledge, familyOf(flow.destination), flow.key), 1);
        } catch (error) {
          if (!(error instanceof NetlinkError) || error.code !== "ENOENT") throw error;
        }
      }
    } finally {
      socket.close();
    }
  }
}

/** What the kernel tells of a flow; undefined for one that is not UDP's. */
export function readUdpFlow(body: Buffer): UdpFlow | undefined {
  const attributes = attributesOf(body, generalBytes);
  const [original, reply] = [attributes.get(CTA.tupleOriginal), attributes.get(CTA.tupleReply)];
  if (!original || !reply) return undefined;
  const sent = attributesOf(original);
  const protocol = attributesOf(sent.get(CTA_TUPLE.protocol) ?? Buffer.alloc(0));
  const destination = attributesOf(sent.get(CTA_TUPLE.ip) ?? Buffer.alloc(0));
  const answer = attributesOf(attributesOf(reply).get(CTA_TUPLE.ip) ?? Buffer.alloc(0));
  if (protocol.get(CTA_PROTO.number)?.[0] !== IPPROTO_UDP) return undefined;
  return {
    destination: addressOf(destination, CTA_IP.destination4, CTA_IP.destination6),
    destinationPort: protocol.get(CTA_PROTO.destinationPort)?.readUInt16BE(0) ?? 0,
    answeredBy: addressOf(answer, CTA_IP.source4, CTA_IP.source6),
    key: [
      nested(CTA.tupleOriginal, original),
      ...[CTA.id, CTA.zone].flatMap((type) => {
        const value = attributes.get(type);
        return value ? [attribute(type, value)] : [];
      }),
    ],
  };
}

function addressOf(attributes: Map<number, Buffer>, type4: number, type6: number): string {
  const [four, six] = [attributes.get(type4), attributes.get(type6)];
  const bytes = four ?? six;
  return bytes ? numberToAddress(BigInt(`0x${bytes.toString("hex")}`), four ? 4 : 6) : "";
}

function request(command: number, flags: number, family: Family, attributes: Buffer[]): Buffer {
  const general = Buffer.alloc(generalBytes);
  general[0] = family === 4 ? linux.AF_INET : linux.AF_INET6;
  return message((NFNL_SUBSYS_CTNETLINK << 8) | command, flags, general, ...attributes);
}

function uint16BE(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16BE(value);
  return buffer;
}
