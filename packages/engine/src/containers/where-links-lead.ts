import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ended } from "../ended.ts";
import type { MountPointRecord } from "./container-record.ts";

/** A file system whose server is away answers nobody; until it does each look there holds one of the few threads all files are read by. */
const patienceMs = 5000;
/** Looks that are under way: who asks for the same again waits for them, and takes no further thread. */
const looks = new Map<string, Promise<string | undefined>>();

/**
 * Where a path of the host is when its links are followed, as the kernel does that mounts it. What is not there yet, or does not
 * answer, is as it is written.
 */
export async function whereLinksLead(path: string): Promise<string> {
  const look = lookAt(path);
  if (!(await ended(look, patienceMs))) return path;
  const place = await look;
  if (place !== undefined) return place;
  const parent = dirname(path);
  return parent === path ? path : join(await whereLinksLead(parent), basename(path));
}

function lookAt(path: string): Promise<string | undefined> {
  let look = looks.get(path);
  if (look === undefined) {
    look = realpath(path)
      .catch(() => undefined)
      .finally(() => looks.delete(path));
    looks.set(path, look);
  }
  return look;
}

/** The same of all sources that mounts are to pass something on from, one after the other: together they would hold every thread. */
export async function sourcesOfMounts(mountPoints: readonly MountPointRecord[]): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>();
  for (const { propagation, source } of mountPoints)
    if (/slave|shared/.test(propagation)) places.set(source, await whereLinksLead(source));
  return places;
}
