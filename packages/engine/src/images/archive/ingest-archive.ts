import { createHash, randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import { invalidArgument, isKind } from "@pouchcontainer/errors";
import { isDigest } from "@pouchcontainer/oci";
import { contentSize, type ImageServices } from "../containerd-services.ts";
import type { Lease } from "../lease.ts";
import { documentLimit } from "../store/image-documents.ts";
import { readTar, type TarEntry } from "./tar-entries.ts";

/** A file of the archive, now in the content store. */
export interface IngestedFile {
  digest: string;
  size: number;
  /** First bytes: they tell how it is compressed. */
  head: Uint8Array;
}

/** An archive whose files are all in the content store, held by the lease. */
export interface IngestedArchive {
  /** By path, links resolved. */
  file(path: string): IngestedFile | undefined;
  paths(): string[];
  /** The files at the root that say what the rest is. */
  documents: Map<string, Buffer>;
}

/** Kept in memory; everything else goes straight to the content store. */
const documentNames = new Set(["manifest.json", "index.json", "oci-layout", "repositories"]);
const linkLimit = 8;

export async function ingestArchive(
  deps: { content: ImageServices["content"]; lease: Lease },
  tar: Readable,
  signal: AbortSignal,
): Promise<IngestedArchive> {
  const files = new Map<string, IngestedFile>();
  const links = new Map<string, string>();
  const documents = new Map<string, Buffer>();
  await readTar(tar, signal, async (entry) => {
    if (entry.linkTo !== undefined) links.set(entry.name, entry.linkTo);
    else if (documentNames.has(entry.name)) documents.set(entry.name, await readDocument(entry));
    else files.set(entry.name, await ingestFile(deps, entry, signal));
  });
  const file = (path: string): IngestedFile | undefined => {
    let at = path;
    for (let hop = 0; hop < linkLimit && links.has(at); hop += 1) at = links.get(at) ?? at;
    return files.get(at);
  };
  return { file, paths: () => [...files.keys(), ...links.keys()], documents };
}

async function readDocument(entry: TarEntry): Promise<Buffer> {
  if (entry.size > documentLimit)
    throw invalidArgument(`invalid archive: ${entry.name} has ${entry.size} bytes, more than ${documentLimit}`);
  return Buffer.concat(await Array.fromAsync(entry.content));
}

async function ingestFile(
  { content, lease }: { content: ImageServices["content"]; lease: Lease },
  entry: TarEntry,
  signal: AbortSignal,
): Promise<IngestedFile> {
  const expected = blobDigestOf(entry.name);
  if (expected !== undefined) {
    await lease.holdContent(expected);
    const size = await contentSize(content, expected);
    if (size !== undefined && size !== entry.size) throw misnamed(entry);
    if (size !== undefined) return { digest: expected, size, head: await drain(entry) };
  }
  // The name says nothing about what is inside, so no one else can be writing the same.
  const ref = `pouch-load-${randomBytes(8).toString("hex")}`;
  const under = { leaseId: lease.id, signal };
  const writer = await content.openWriter(ref, { size: entry.size }, under);
  const hash = createHash("sha256");
  let head: Uint8Array = new Uint8Array();
  try {
    for await (const chunk of entry.content) {
      if (head.length < 6) head = Buffer.concat([head, chunk.subarray(0, 6)]);
      if (expected === undefined) hash.update(chunk);
      await writer.write(chunk);
    }
    const digest = expected ?? `sha256:${hash.digest("hex")}`;
    await lease.holdContent(digest);
    await writer.commit({ size: entry.size, digest });
    return { digest, size: entry.size, head };
  } catch (error) {
    await content.abort(ref).catch(() => undefined);
    if (expected !== undefined && isKind(error, "failedPrecondition", "invalidArgument")) {
      throw misnamed(entry, error);
    }
    throw error;
  }
}

function misnamed({ name }: TarEntry, cause?: unknown): Error {
  return invalidArgument(`invalid archive: ${name} does not have the digest it is named by`, { cause });
}

async function drain(entry: TarEntry): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array();
  for await (const chunk of entry.content) if (head.length < 6) head = Buffer.concat([head, chunk.subarray(0, 6)]);
  return head;
}

/** `blobs/sha256/<hex>` of an OCI layout. */
function blobDigestOf(path: string): string | undefined {
  const match = /^blobs\/([a-z0-9]+)\/([0-9a-f]+)$/.exec(path);
  const digest = match ? `${match[1]}:${match[2]}` : "";
  return isDigest(digest) ? digest : undefined;
}
