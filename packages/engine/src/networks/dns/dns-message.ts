/**
 * The part of RFC 1035 a container's resolver speaks itself: one question in, addresses or names out. Queries come from
 * whatever runs in a container, so nothing here throws, nothing is read that is not answered for, and the question goes
 * back byte by byte as it came: clients compare it with theirs, letter case and bytes that are no text included.
 */

export const recordType = { a: 1, ptr: 12, aaaa: 28, opt: 41 } as const;

/** Response codes of RFC 1035, 4.1.1. */
export const responseCode = { noError: 0, formatError: 1, serverFailure: 2, notImplemented: 4, refused: 5 } as const;

const flag = {
  response: 0x8000,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  checkingDisabled: 0x0010,
};
const opcodeMask = 0x7800;
const internetClass = 1;
const headerBytes = 12;
/** Where the question's name begins in every message: a pointer to it is the name of every answer (RFC 1035, 4.1.4). */
const pointerToQuestion = 0xc000 | headerBytes;
const labelBytes = 63;
const nameBytes = 255;
/** What a client without EDNS takes in one datagram (RFC 1035, 4.2.1). */
const plainUdpBytes = 512;
/** Docker's; names change when containers come and go, but clients of theirs expect this value. */
const timeToLiveSeconds = 600;

/** A query with its one question. */
export interface DnsQuery {
  header: Buffer;
  /** Name, type and class as they came. */
  question: Buffer;
  /** Without the last dot; undefined for a name that no text with dots stands for. */
  name: string | undefined;
  type: number;
  internet: boolean;
  /** The longest datagram the client takes. */
  udpBytes: number;
}

export interface DnsRecord {
  type: number;
  data: Buffer;
}

/** The query; the message that refuses it; undefined for what gets no answer at all. */
export function parseQuery(message: Buffer): DnsQuery | { refusal: Buffer } | undefined {
  if (message.length < headerBytes) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & flag.response) !== 0) return undefined;
  if ((flags & opcodeMask) !== 0) return { refusal: refusal(message, responseCode.notImplemented) };
  const name = message.readUInt16BE(4) === 1 ? readName(message, headerBytes) : undefined;
  if (!name || name.end + 4 > message.length) return { refusal: refusal(message, responseCode.formatError) };
  const end = name.end + 4;
  return {
    header: message.subarray(0, headerBytes),
    question: message.subarray(headerBytes, end),
    name: name.text,
    type: message.readUInt16BE(name.end),
    internet: message.readUInt16BE(name.end + 2) === internetClass,
    udpBytes: Math.max(plainUdpBytes, payloadSize(message, end)),
  };
}

/** The answer to a query: as many of the records as fit, and the flag that makes clients ask again over TCP if not all do. */
export function response(query: DnsQuery, code: number, records: DnsRecord[], limit: number): Buffer {
  let room = limit - headerBytes - query.question.length;
  const fitting = records.filter(({ data }) => (room -= 12 + data.length) >= 0);
  const asked = query.header.readUInt16BE(2) & (flag.recursionDesired | flag.checkingDisabled);
  const truncated = fitting.length < records.length ? flag.truncated : 0;
  const header = Buffer.alloc(headerBytes);
  query.header.copy(header, 0, 0, 2);
  header.writeUInt16BE(flag.response | flag.recursionAvailable | asked | truncated | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(fitting.length, 6);
  return Buffer.concat([header, query.question, ...fitting.map(encodeRecord)]);
}

/** Whether `message` answers `query`: both are raw, as they are passed on. */
export function isAnswerTo(message: Buffer, query: Buffer): boolean {
  return (
    message.length >= headerBytes &&
    message.readUInt16BE(0) === query.readUInt16BE(0) &&
    (message.readUInt16BE(2) & flag.response) !== 0 &&
    asksTheSame(message, query)
  );
}

/** A server that fails may leave the question out; the case of its letters may change on the way (RFC 1035, 2.3.3). */
function asksTheSame(message: Buffer, query: Buffer): boolean {
  const end = endOfQuestion(query);
  if (end === undefined || (message.readUInt16BE(4) === 0 && codeOf(message) !== responseCode.noError)) return true;
  const [asked, answered] = [query, message].map((bytes) => bytes.toString("latin1", headerBytes, end).toLowerCase());
  return asked === answered;
}

/** Where the one question of a message ends; undefined when it has not one. */
function endOfQuestion(message: Buffer): number | undefined {
  if (message.readUInt16BE(4) !== 1) return undefined;
  let at = headerBytes;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) return undefined;
    at += 1 + length;
    // The root, then type and class.
    if (length === 0) return at + 4 <= message.length ? at + 4 : undefined;
  }
}

export function codeOf(message: Buffer): number {
  return message.readUInt8(3) & 0x0f;
}

/** A name as it stands in a message; undefined when it cannot stand in one. */
export function encodeName(name: string): Buffer | undefined {
  const parts: Buffer[] = [];
  for (const label of name.split(".")) {
    const bytes = Buffer.from(label);
    if (bytes.length === 0 || bytes.length > labelBytes) return undefined;
    parts.push(Buffer.from([bytes.length]), bytes);
  }
  const encoded = Buffer.concat([...parts, Buffer.from([0])]);
  return encoded.length > nameBytes ? undefined : encoded;
}

function refusal(message: Buffer, code: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  message.copy(header, 0, 0, 2);
  header.writeUInt16BE(flag.response | (message.readUInt16BE(2) & (opcodeMask | flag.recursionDesired)) | code, 2);
  return header;
}

/** A name without pointers: before the first one there is nothing to point to. */
function readName(message: Buffer, start: number): { text: string | undefined; end: number } | undefined {
  const labels: string[] = [];
  let at = start;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > labelBytes || at + 1 + length - start > nameBytes) return undefined;
    at += 1 + length;
    if (at > message.length) return undefined;
    if (length === 0) break;
    labels.push(message.toString("utf8", at - length, at));
  }
  // `a.b` in one label is another name than `a` below `b`.
  return { text: labels.some((label) => label.includes(".")) ? undefined : labels.join("."), end: at };
}

/** EDNS (RFC 6891, 6.1.2): a record without a name whose class is the size. Other records may come first; nobody sends them. */
function payloadSize(message: Buffer, at: number): number {
  const onlyAdditional = message.readUInt32BE(6) === 0 && message.readUInt16BE(10) > 0;
  if (!onlyAdditional || at + 5 > message.length || message[at] !== 0) return 0;
  return message.readUInt16BE(at + 1) === recordType.opt ? message.readUInt16BE(at + 3) : 0;
}

function encodeRecord({ type, data }: DnsRecord): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(pointerToQuestion, 0);
  fixed.writeUInt16BE(type, 2);
  fixed.writeUInt16BE(internetClass, 4);
  fixed.writeUInt32BE(timeToLiveSeconds, 6);
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, data]);
}
