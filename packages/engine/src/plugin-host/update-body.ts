import { invalidArgument } from "@pouchcontainer/errors";
import { Readable } from "node:stream";

/** Largest update body, in bytes, before and after each plugin. */
const maxBytes = 16 * 1024 * 1024;

/**
 * Reads a whole body; a plugin's stream that never ends is stopped by the deadline, one that never stops growing by its size.
 * `refuse` makes the error for a body that is none or too large.
 */
export async function readBody(body: AsyncIterable<unknown>, refuse = invalidArgument): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) throw refuse("the body must be a stream of bytes");
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBytes) throw refuse(`the body is larger than ${maxBytes} bytes`);
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
