import { linux, type Libc } from "@pouchcontainer/linux";
import { closeSync } from "node:fs";
import { getSystemErrorMap } from "node:util";

/** Flags of <linux/netlink.h>. */
export const netlink = {
  request: 0x1,
  acknowledge: 0x4,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  nested: 0x8000,
} as const;

const NLMSG_ERROR = 2;

/** The kernel's refusal of a message. */
export class NetlinkError extends Error {
  readonly code: string;

  constructor(errno: number) {
    const [code, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, "unknown error"];
    super(`${text} (${code})`);
    this.name = "NetlinkError";
    this.code = code;
  }
}

/**
 * One netlink socket of the calling thread's namespace. The kernel has put its answers in the socket when `send` returns, so
 * nothing here waits; it is meant for use inside `NetworkNamespaces.within`.
 */
export class NetlinkSocket {
  readonly #libc: Libc;
  readonly #socket: number;

  constructor(libc: Libc, protocol: number) {
    this.#libc = libc;
    this.#socket = libc.call("socket", linux.AF_NETLINK, linux.SOCK_RAW | linux.SOCK_CLOEXEC, protocol);
  }

  /** Sends one message, or a batch of them, and reads as many acknowledgements; throws the first refusal. */
  transact(messages: Buffer, acknowledgements: number): void {
    this.#libc.call("send", this.#socket, messages, BigInt(messages.length), 0);
    const answer = Buffer.alloc(8192);
    for (let seen = 0; seen < acknowledgements;) {
      const length = this.#libc.call("recv", this.#socket, answer, BigInt(answer.length), linux.MSG_DONTWAIT);
      for (let at = 0; at + 20 <= length;) {
        const size = answer.readUInt32LE(at);
        if (answer.readUInt16LE(at + 4) === NLMSG_ERROR) {
          seen++;
          // struct nlmsghdr, then the negated errno of struct nlmsgerr.
          const errno = -answer.readInt32LE(at + 16);
          if (errno !== 0) throw new NetlinkError(errno);
        }
        at += Math.max(20, (size + 3) & ~3);
      }
    }
  }

  close(): void {
    closeSync(this.#socket);
  }
}

/** struct nlmsghdr and what follows it. */
export function message(type: number, flags: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(header.length + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(netlink.request | flags, 6);
  return Buffer.concat([header, body]);
}

/** struct nlattr and its value, filled up to a multiple of four. */
export function attribute(type: number, value: Buffer): Buffer {
  const whole = Buffer.alloc((4 + value.length + 3) & ~3);
  whole.writeUInt16LE(4 + value.length, 0);
  whole.writeUInt16LE(type, 2);
  value.copy(whole, 4);
  return whole;
}

export function nested(type: number, ...attributes: Buffer[]): Buffer {
  return attribute(type | netlink.nested, Buffer.concat(attributes));
}

export function uint32LE(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

export function uint32BE(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}
