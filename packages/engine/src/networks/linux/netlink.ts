import { linux, type Libc } from "@pouchcontainer/linux";
import { closeSync, read, write } from "node:fs";
import { getSystemErrorMap, promisify } from "node:util";

/** Flags of <linux/netlink.h>. */
export const netlink = {
  request: 0x1,
  acknowledge: 0x4,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  nested: 0x8000,
} as const;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const attributeTypeMask = 0x3fff;
const headerBytes = 16;
/** What the kernel fills at most with one part of a long answer. */
const answerBytes = 32_768;

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
    this.#send(messages);
    for (let seen = 0; seen < acknowledgements;)
      for (const { type, body } of this.#receive()) {
        if (type !== NLMSG_ERROR) continue;
        seen++;
        throwRefusal(body);
      }
  }

  /**
   * Sends one question and returns the bodies of what answers it; throws the kernel's refusal. The question asks for a dump,
   * or for an acknowledgement: each tells where the answers end.
   */
  ask(question: Buffer): Buffer[] {
    this.#send(question);
    const answers: Buffer[] = [];
    while (!collect(this.#receive(), answers));
    return answers;
  }

  #send(messages: Buffer): void {
    this.#libc.call("send", this.#socket, messages, BigInt(messages.length), 0);
  }

  #receive(): Message[] {
    const part = Buffer.alloc(answerBytes);
    const length = this.#libc.call("recv", this.#socket, part, BigInt(part.length), linux.MSG_DONTWAIT);
    return messagesOf(part.subarray(0, length));
  }

  close(): void {
    closeSync(this.#socket);
  }
}

/**
 * As `NetlinkSocket.ask`, for what the kernel takes milliseconds to find: it looks in a thread of the pool, and the event loop
 * goes on. For the host's namespace.
 */
export async function askPatiently(libc: Libc, protocol: number, question: Buffer): Promise<Buffer[]> {
  const socket = libc.call("socket", linux.AF_NETLINK, linux.SOCK_RAW | linux.SOCK_CLOEXEC | linux.SOCK_NONBLOCK, protocol);
  try {
    await promisify(write)(socket, question);
    const answers: Buffer[] = [];
    for (;;) {
      const part = Buffer.alloc(answerBytes);
      const { bytesRead } = await promisify(read)(socket, part, 0, part.length, null);
      if (collect(messagesOf(part.subarray(0, bytesRead)), answers)) return answers;
    }
  } finally {
    closeSync(socket);
  }
}

interface Message {
  type: number;
  body: Buffer;
}

function messagesOf(part: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at + headerBytes <= part.length;) {
    const size = part.readUInt32LE(at);
    messages.push({ type: part.readUInt16LE(at + 4), body: part.subarray(at + headerBytes, at + size) });
    at += Math.max(headerBytes, aligned(size));
  }
  return messages;
}

/** Adds what answers a question; true when that was all of it. Throws the kernel's refusal. */
function collect(messages: Message[], answers: Buffer[]): boolean {
  for (const { type, body } of messages) {
    if (type === NLMSG_ERROR || type === NLMSG_DONE) {
      throwRefusal(body);
      return true;
    }
    answers.push(body);
  }
  return false;
}

/** Every part of a message begins at a multiple of four. */
function aligned(size: number): number {
  return (size + 3) & ~3;
}

/** struct nlmsgerr, and the end of a dump, begin with the negated errno; 0 is an acknowledgement. */
function throwRefusal(body: Buffer): void {
  const errno = -body.readInt32LE(0);
  if (errno !== 0) throw new NetlinkError(errno);
}

/** struct nlmsghdr and what follows it. */
export function message(type: number, flags: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(header.length + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(netlink.request | flags, 6);
  return Buffer.concat([header, body]);
}

/** struct nlattr and its value, filled up to a multiple of four. */
export function attribute(type: number, value: Buffer): Buffer {
  const whole = Buffer.alloc(aligned(4 + value.length));
  whole.writeUInt16LE(4 + value.length, 0);
  whole.writeUInt16LE(type, 2);
  value.copy(whole, 4);
  return whole;
}

/** The attributes that begin at `start`, by type; flags of the type (nested, byte order) are left out. */
export function attributesOf(body: Buffer, start = 0): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = start; at + 4 <= body.length;) {
    const length = body.readUInt16LE(at);
    if (length < 4) break;
    found.set(body.readUInt16LE(at + 2) & attributeTypeMask, body.subarray(at + 4, Math.min(at + length, body.length)));
    at += aligned(length);
  }
  return found;
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

export function textOf(value: Buffer | undefined): string | undefined {
  return value?.toString("utf8").replace(/\0$/, "");
}

export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}
