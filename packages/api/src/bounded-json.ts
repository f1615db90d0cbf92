import { invalidArgument } from "@pouchcontainer/errors";
import { JsonScan, type JsonExcess } from "@pouchcontainer/oci";

/** What a text may hold, and how it is refused. Without members: a request's body, refused as dockerd does. */
export interface JsonBounds {
  /** Default: `maxJsonValues`. */
  maxValues?: number;
  /** Default: `invalidArgument` that speaks of the request body. */
  refuse?: (problem: string) => Error;
}

/** Refuses a text that would be too much work to read, before it is read. Whether it is JSON at all is not looked at. */
export function checkJsonBounds(bytes: Uint8Array, bounds: JsonBounds = {}): void {
  jsonBoundsInPieces(bounds)(bytes);
}

/** The same, shown piece by piece, as a text comes in. */
export function jsonBoundsInPieces({ maxValues, refuse }: JsonBounds = {}): (piece: Uint8Array) => void {
  const scan = new JsonScan(maxValues);
  return (piece) => {
    const excess = scan.read(piece);
    if (excess !== undefined) throw refuse?.(excess.problem) ?? refusedRequest(excess);
  };
}

function refusedRequest({ problem, opener }: JsonExcess): Error {
  if (opener !== undefined) return invalidArgument(`invalid JSON: invalid character '${opener}' exceeded max depth`);
  return invalidArgument(`the request body ${problem}`);
}
