import { invalidArgument } from "@pouchcontainer/errors";

/** How deep a body may be nested; Go's decoder ends at 10,000, and Docker's deepest body has ten levels. */
export const maxJsonDepth = 1000;

/**
 * How many values a body may have: everything that reads, checks or masks one goes through all of them at a stretch, and parsing
 * and decoding 100,000 labels took 150 ms. With as many as this it is about 30.
 */
export const maxJsonValues = 20_000;

const byteOf = (sign: string): number => sign.charCodeAt(0);
const quote = byteOf('"');
const backslash = byteOf("\\");
const comma = byteOf(",");
const openObject = byteOf("{");
const closeObject = byteOf("}");
const openList = byteOf("[");
const closeList = byteOf("]");

/** What a text may hold, and how it is refused. Without members: a request's body, refused as dockerd does. */
export interface JsonBounds {
  /** Default: `maxJsonValues`. */
  maxValues?: number;
  /** Default: `invalidArgument` that speaks of the request body. */
  refuse?: (problem: string) => Error;
}

const refuseRequest = (problem: string): Error => invalidArgument(`the request body ${problem}`);

/** Refuses a text that would be too much work to read, before it is read. Whether it is JSON at all is not looked at. */
export function checkJsonBounds(bytes: Uint8Array, { maxValues = maxJsonValues, refuse }: JsonBounds = {}): void {
  let depth = 0;
  let values = 1;
  let inText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inText) {
      if (byte === backslash) at++;
      else if (byte === quote) inText = false;
    } else if (byte === quote) inText = true;
    else if (byte === openObject || byte === openList) {
      if (++depth > maxJsonDepth) throw refuse?.(`is nested deeper than ${maxJsonDepth} levels`) ?? tooDeep(byte);
      values++;
    } else if (byte === closeObject || byte === closeList) depth--;
    else if (byte === comma) values++;
    if (values > maxValues) throw (refuse ?? refuseRequest)(`has more than ${maxValues} values`);
  }
}

function tooDeep(byte: number): Error {
  return invalidArgument(`invalid JSON: invalid character '${byte === openList ? "[" : "{"}' exceeded max depth`);
}
