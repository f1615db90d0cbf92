import { invalidArgument } from "@pouchcontainer/errors";

/** A stream of ours has three or four. */
const maxHeaders = 64;

/**
 * Reads a decompressed header block (draft-mbelshe-httpbis-spdy-00, 2.6.10): the number of pairs, then each name and value after its
 * length. Names are in lower case on the wire. Throws `invalidArgument` for one that does not fit its lengths.
 */
export function decodeHeaders(block: Buffer): Map<string, string> {
  let offset = 0;
  const number = (): number => {
    if (offset + 4 > block.length) throw invalidArgument("a header block ends too early");
    offset += 4;
    return block.readUInt32BE(offset - 4);
  };
  const text = (): string => {
    const length = number();
    if (length > block.length - offset) throw invalidArgument("a header block ends too early");
    offset += length;
    return block.toString("utf8", offset - length, offset);
  };
  const count = number();
  if (count > maxHeaders) throw invalidArgument(`a stream has ${count} headers: at most ${maxHeaders}`);
  const headers = new Map<string, string>();
  for (let index = 0; index < count; index++) headers.set(text().toLowerCase(), text());
  return headers;
}
