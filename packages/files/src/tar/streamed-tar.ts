import {
  blockBytes,
  field,
  isZero,
  kindOf,
  nameIn,
  numberOf,
  paddingOf,
  slash,
  textOf,
  upToNul,
  verified,
  withoutNul,
} from "./header-fields.ts";
import { decimal, parsePaxRecords } from "./pax-records.ts";
import type { EntryKind } from "./tar-entry.ts";
import { invalidHeader, TarError, unexpectedEnd } from "./tar-error.ts";

/** An entry of a tar that is read as it comes. */
export interface StreamedEntry {
  kind: EntryKind;
  name: string;
  /** Where a link points; empty otherwise. */
  linkName: string;
  size: number;
  /** What is not read of it is passed over. */
  content: AsyncIterable<Buffer>;
}

/** A header that describes another entry is at most this big: a name, a few attributes. */
const maxDescribingBytes = 4 << 20;
/** As many things are not said of any file. */
const maxRecords = 10_000;
/** Of all headers that describe others: they are read at a stretch, each. */
const maxAllDescribingBytes = 256 << 20;

/**
 * The entries of a tar in the daemon itself, which goes on with others' work in between: names, kinds and content alone, of the formats
 * that `TarReader` reads but sparse files. What an archive says of all its entries (`g`) is passed over, since it can be none of that.
 */
export async function* streamedTar(chunks: AsyncIterable<Buffer>): AsyncGenerator<StreamedEntry, void, undefined> {
  const bytes = new Bytes(chunks);
  let about: Description = {};
  let described = 0;
  for (let header = await bytes.take(blockBytes); header.length > 0; header = await bytes.take(blockBytes)) {
    if (header.length < blockBytes) throw unexpectedEnd();
    // What ends an archive; another may follow.
    if (isZero(header)) continue;
    const type = String.fromCharCode(verified(header)[field.type[0]] ?? 0);
    if (describing.has(type)) {
      const size = numberOf(header, field.size);
      described += size;
      if (size < 0 || size > maxDescribingBytes || described > maxAllDescribingBytes) throw invalidHeader();
      const content = await bytes.take(size);
      if (content.length < size) throw unexpectedEnd();
      await bytes.take(paddingOf(size));
      about = { ...about, ...describing.get(type)?.(content) };
      continue;
    }
    const entry = entryOf(header, type, about);
    about = {};
    const content = new Content(bytes, entry.size);
    yield { ...entry, content };
    await content.passOver();
  }
}

/** What headers before an entry say of it. */
interface Description {
  longName?: Buffer;
  longLinkName?: Buffer;
  said?: { name?: Buffer; linkName?: Buffer; size?: number };
}

const describing = new Map<string, (content: Buffer) => Description>([
  ["L", (content) => ({ longName: upToNul(content) })],
  ["K", (content) => ({ longLinkName: upToNul(content) })],
  ["x", (content) => ({ said: saidIn(content) })],
  ["g", () => ({})],
]);

function saidIn(content: Buffer): Required<Description>["said"] {
  const said = new Map(parsePaxRecords(content, maxRecords));
  const [path, linkPath, size] = ["path", "linkpath", "size"].map((key) => said.get(key));
  return {
    ...(path && { name: withoutNul(path) }),
    ...(linkPath && { linkName: withoutNul(linkPath) }),
    ...(size && { size: decimal(size) }),
  };
}

function entryOf(
  header: Buffer,
  type: string,
  { longName, longLinkName, said = {} }: Description,
): Omit<StreamedEntry, "content"> {
  const kind = type === "S" ? undefined : kindOf(type);
  if (kind === undefined) throw new TarError(`unhandled tar header type ${type.charCodeAt(0)}`);
  const name = said.name ?? longName ?? nameIn(header);
  const isFolder = kind === "folder" || (type === "\0" && name.at(-1) === slash);
  const size = said.size ?? numberOf(header, field.size);
  if (size < 0) throw invalidHeader();
  return {
    kind: isFolder ? "folder" : kind,
    name: name.toString(),
    linkName: (said.linkName ?? longLinkName ?? textOf(header, field.linkName)).toString(),
    size: kind === "file" && !isFolder ? size : 0,
  };
}

/** An entry's bytes, in the pieces in which they come. */
class Content implements AsyncIterable<Buffer> {
  readonly #bytes: Bytes;
  readonly #padding: number;
  #left: number;

  constructor(bytes: Bytes, size: number) {
    this.#bytes = bytes;
    this.#left = size;
    this.#padding = paddingOf(size);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    while (this.#left > 0) {
      const chunk = await this.#bytes.some(this.#left);
      if (chunk.length === 0) throw unexpectedEnd();
      this.#left -= chunk.length;
      yield chunk;
    }
  }

  async passOver(): Promise<void> {
    for await (const _ of this);
    await this.#bytes.take(this.#padding);
  }
}

/** Bytes in their order. */
class Bytes {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** At least one and at most `most`; none only at the end. */
  async some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) break;
      this.#rest = next.value;
    }
    const taken = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** As many, fewer only at the end. */
  async take(count: number): Promise<Buffer> {
    const taken: Buffer[] = [];
    for (let left = count; left > 0;) {
      const chunk = await this.some(left);
      if (chunk.length === 0) break;
      taken.push(chunk);
      left -= chunk.length;
    }
    const [only = Buffer.alloc(0)] = taken;
    return taken.length > 1 ? Buffer.concat(taken) : only;
  }
}
