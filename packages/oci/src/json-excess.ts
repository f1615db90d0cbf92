/** How deep a document may be nested; Go's decoder ends at 10,000, and Docker's deepest body has ten levels. */
export const maxJsonDepth = 1000;

/**
 * How many values a document may have: everything that reads, checks or masks one goes through all of them at a stretch, and
 * parsing and decoding 100,000 labels took 150 ms. With as many as this it is about 30.
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

/** What makes a document too much work to read. */
export interface JsonExcess {
  /** To follow the document's name: `has more than 20000 values`. */
  problem: string;
  /** What opens the level that is too deep; undefined where it has too many values. */
  opener?: "[" | "{";
}

/** Looks at a document of a stranger before it is read. Whether it is JSON at all is not looked at. */
export function jsonExcess(bytes: Uint8Array, maxValues = maxJsonValues): JsonExcess | undefined {
  return new JsonScan(maxValues).read(bytes);
}

/** The same piece by piece, as a document comes in: a large one in one go holds up everybody else. */
export class JsonScan {
  readonly #maxValues: number;
  #depth = 0;
  #values = 1;
  #inText = false;
  #isEscaped = false;

  constructor(maxValues = maxJsonValues) {
    this.#maxValues = maxValues;
  }

  /** What is too much of what was read so far. After that there is no reading on. */
  read(bytes: Uint8Array): JsonExcess | undefined {
    let [depth, values, inText] = [this.#depth, this.#values, this.#inText];
    let at = this.#isEscaped ? 1 : 0;
    for (; at < bytes.length; at++) {
      const byte = bytes[at];
      if (inText) {
        if (byte === backslash) at++;
        else if (byte === quote) inText = false;
      } else if (byte === quote) inText = true;
      else if (byte === openObject || byte === openList) {
        if (++depth > maxJsonDepth)
          return { problem: `is nested deeper than ${maxJsonDepth} levels`, opener: byte === openList ? "[" : "{" };
        values++;
      } else if (byte === closeObject || byte === closeList) depth--;
      else if (byte === comma) values++;
      if (values > this.#maxValues) return { problem: `has more than ${this.#maxValues} values` };
    }
    [this.#depth, this.#values, this.#inText, this.#isEscaped] = [depth, values, inText, at > bytes.length];
    return undefined;
  }
}
