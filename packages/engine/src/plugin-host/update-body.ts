import { invalidArgument } from "@pouchcontainer/errors";
import { takeLoopShare } from "@pouchcontainer/owners";
import { Readable } from "node:stream";

/** Largest body that is sent to the daemon, in bytes. */
const maxBodyBytes = 16 * 1024 * 1024;

/** Bytes that are looked at before others have a turn. */
const pieceBytes = 1024 * 1024;

export interface BodyReading {
  /** Makes the error for a body that is none or too large. Default: `invalidArgument`. */
  refuse?: (problem: string) => Error;
  /** Default: 16 MiB. */
  maxBytes?: number;
  /** Is shown all of it, and throws for what it does not like. */
  look?: (piece: Uint8Array) => void;
}

/** Reads a whole body; a plugin's stream that never ends is stopped by the deadline, one that never stops growing by its size. */
export async function readBody(
  body: AsyncIterable<unknown>,
  { refuse = invalidArgument, maxBytes = maxBodyBytes, look = () => undefined }: BodyReading = {},
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) throw refuse("the body must be a stream of bytes");
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBytes) throw refuse(`the body is larger than ${maxBytes} bytes`);
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      await takeLoopShare();
      look(bytes.subarray(at, at + pieceBytes));
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** A fresh stream of the bytes. */
export function bodyOf(bytes: Buffer): Readable {
  return Readable.from([bytes]);
}

/** The body, its bounds checked, as JSON for a trace; undefined when it is something else, which a plugin may well translate from. */
export function jsonOf(bytes: Buffer | string): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
