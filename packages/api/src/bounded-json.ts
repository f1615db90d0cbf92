import { invalidArgument } from "@pouchcontainer/errors";
import { jsonExcess, type JsonExcess } from "@pouchcontainer/oci";

/** What a text may hold, and how it is refused. Without members: a request's body, refused as dockerd does. */
export interface JsonBounds {
  /** Default: `maxJsonValues`. */
  maxValues?: number;
  /** Default: `invalidArgument` that speaks of the request body. */
  refuse?: (problem: string) => Error;
}

/** Refuses a text that would be too much work to read, before it is read. Whether it is JSON at all is not looked at. */
export function checkJsonBounds(bytes: Uint8Array, { maxValues, refuse }: JsonBounds = {}): void {
  const excess = jsonExcess(bytes, maxValues);
  if (excess !== undefined) throw refuse?.(excess.problem) ?? refusedRequest(excess);
}

function refusedRequest({ problem, opener }: JsonExcess): Error {
  if (opener !== undefined) return invalidArgument(`invalid JSON: invalid character '${opener}' exceeded max depth`);
  return invalidArgument(`the request body ${problem}`);
}
