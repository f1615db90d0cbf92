import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import type { Digest } from "@pouchcontainer/oci";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { runGuarded } from "../installed/run-guarded.ts";
import { tarLimit, tooLarge } from "../installed/tar-limit.ts";

export interface PackedPackage {
  file: string;
  digest: Digest;
  size: number;
}

/**
 * Everything that two packages of the same content may differ by: order, owners, times, modes beside "may be executed", and npm's note of what
 * it did. It is not compressed, as compressors give other bytes on other machines.
 */
const reproducible = [
  "--format=gnu",
  "--sort=name",
  "--owner=0",
  "--group=0",
  "--numeric-owner",
  "--mtime=@0",
  "--mode=u=rwX,go=rX",
  "--hard-dereference",
  "--anchored",
  "--exclude=./.git",
  "--exclude=./node_modules/.package-lock.json",
];

/** Puts a package, with the packages it depends on, into a tar that is the same for the same content. */
export async function packPackage(folder: string, file: string, mostBytes: number): Promise<PackedPackage> {
  try {
    await runGuarded("tar", ["-c", "-f", file, ...reproducible, ...tarLimit(mostBytes), "-C", folder, "."]);
  } catch (error) {
    if (!messageChain(error).includes(tooLarge)) throw error;
    throw invalidArgument(`the plugin's package has more than ${mostBytes} bytes, which is the most that is pushed`);
  }
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return { file, digest: `sha256:${hash.digest("hex")}`, size: (await stat(file)).size };
}
