import { headerDictionaryId } from "./dictionary.ts";

/** Types of control frames (draft-mbelshe-httpbis-spdy-00, 2.6). */
export const ControlType = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** Why a stream is reset (2.6.3). */
export const ResetReason = { protocolError: 1, refusedStream: 3, cancel: 5 } as const;

/** The sender has ended its side of the stream. */
export const finFlag = 1;
export const frameHeaderBytes = 8;
export const version = 3;

function controlFrame(type: number, flags: number, body: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + body.length);
  frame.writeUInt16BE(0x8000 | version, 0);
  frame.writeUInt16BE(type, 2);
  frame.writeUInt32BE((flags << 24) | body.length, 4);
  body.copy(frame, frameHeaderBytes);
  return frame;
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
}

/** What stands before the payload of a data frame. */
export function dataHeader(streamId: number, length: number, fin: boolean): Buffer {
  return words(streamId, (fin ? finFlag * 2 ** 24 : 0) + length);
}

export function rstStream(streamId: number, reason: number): Buffer {
  return controlFrame(ControlType.rstStream, 0, words(streamId, reason));
}

export function ping(id: number): Buffer {
  return controlFrame(ControlType.ping, 0, words(id));
}

/** No new streams from here on; `lastStreamId` is the last one that was taken. */
export function goAway(lastStreamId: number): Buffer {
  return controlFrame(ControlType.goAway, 0, words(lastStreamId, 0));
}

/**
 * The answer to a new stream. Ours never has headers, so it needs no compressor: a stored deflate block of four zero bytes (no
 * pairs), and the empty block that tells a decompressor to hand out what it has. The first one begins the zlib stream of the connection.
 */
export function synReply(streamId: number, first: boolean): Buffer {
  const noHeaders = [0, 4, 0, 0xfb, 0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
  const begin = first ? [...Buffer.from([0x78, 0x20]), ...words(headerDictionaryId)] : [];
  return controlFrame(ControlType.synReply, 0, Buffer.concat([words(streamId), Buffer.from([...begin, ...noHeaders])]));
}
