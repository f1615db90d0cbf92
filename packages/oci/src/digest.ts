import { createHash } from "node:crypto";

/** A content digest in its text form, `sha256:<64 hex digits>`. Only `parseDigest` and `digestOf` make one. */
export type Digest = string;

const hexLengths: Record<string, number> = { sha256: 64, sha384: 96, sha512: 128 };

/** Whether `text` is a complete digest of an algorithm we can verify (OCI image spec, `descriptor.md`). */
export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(":");
  if (colon < 0) return false;
  const length = hexLengths[text.slice(0, colon)];
  const hex = text.slice(colon + 1);
  return length !== undefined && hex.length === length && /^[0-9a-f]+$/.test(hex);
}

/** Digest of bytes held in memory. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Whether the bytes are what the digest says, under the digest's own algorithm. */
export function matchesDigest(bytes: Uint8Array, digest: Digest): boolean {
  if (!isDigest(digest)) return false;
  return createHash(digestAlgorithm(digest)).update(bytes).digest("hex") === digestHex(digest);
}

export function digestAlgorithm(digest: Digest): string {
  return digest.slice(0, digest.indexOf(":"));
}

export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The twelve characters Docker shows for a digest or an id. */
export function shortId(digestOrId: string): string {
  return digestOrId.slice(digestOrId.indexOf(":") + 1).slice(0, 12);
}
