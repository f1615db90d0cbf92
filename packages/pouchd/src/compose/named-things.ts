import { programOutcome } from "@pouchcontainer/owners";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Configuration } from "../config/options.ts";
import { trueFolder } from "./true-folder.ts";

/** Something a daemon has by a name that another one could be given too. */
export interface NamedThing {
  /** As a message names it: `the bridge p0`. */
  what: string;
  /** Which one it is: the name, and where the name holds. */
  place: string;
  /** The option that names it, with its article. */
  option: string;
  /** Of a folder, where it is: nothing of another daemon's may be in it, nor around it. */
  folder?: string;
}

/** What the configuration names that another daemon may not have. Of control groups only a daemon's own are touched. */
export function namedThings(configuration: Configuration): NamedThing[] {
  const here = networkNamespace();
  const bridge = configuration["bridge-name"];
  const table = configuration["nft-table"];
  const namespace = configuration["default-namespace"];
  const execRoot = configuration["exec-root-dir"];
  const address = configuration.containerd?.replace(/^unix:\/\//, "") ?? join(execRoot, "containerd.sock");
  return [
    // One daemon's home as another's exec root would be swept as that one's.
    ...[...new Set([trueFolder(configuration["home-dir"]), trueFolder(execRoot)])].map((folder) => ({
      what: `the folder ${folder}`,
      place: `folder ${folder}`,
      option: "a --home-dir and --exec-root-dir",
      folder,
    })),
    { what: `the nftables table ${table}`, place: `table ${table} ${here}`, option: "an --nft-table" },
    ...(configuration["disable-bridge"] || bridge === "none"
      ? []
      : [{ what: `the bridge ${bridge}`, place: `bridge ${bridge} ${here}`, option: "a --bridge-name" }]),
    {
      what: `the namespace ${namespace} of the containerd at ${address}`,
      place: `namespace ${namespace} ${trueFolder(address)}`,
      option: "a --default-namespace",
    },
  ];
}

/** The folder that a place of this form names. */
export const folderOfPlace = (place: string): string | undefined => /^folder (.*)$/s.exec(place)?.[1];

/** Whether two places are of one kind, in one network namespace, by two names. */
export function isRenamed(before: string, now: string): boolean {
  const [, kind, name, where] = namedDevice.exec(before) ?? [];
  const [, kindNow, nameNow, whereNow] = namedDevice.exec(now) ?? [];
  return kind !== undefined && kind === kindNow && where === whereNow && name !== nameNow;
}

const namedDevice = /^(bridge|table) (\S+) (in network namespace \S+)$/;

/**
 * Whether containers may go on with what a daemon that ended had: bridge or table of a namespace that is not ours to look into, or that
 * is still there. Of folders and namespaces of a containerd the next daemon sets aside what is there, and touches nothing.
 */
export async function mayBeNeeded(place: string): Promise<boolean> {
  const [, kind, name = "", where] = namedDevice.exec(place) ?? [];
  if (kind === undefined) return false;
  if (where !== networkNamespace()) return true;
  return kind === "bridge" ? linkExists(name) : await tableExists(name);
}

function networkNamespace(): string {
  const { dev, ino } = statSync("/proc/thread-self/ns/net");
  return `in network namespace ${dev}:${ino}`;
}

/** Of this process' own network namespace; `/sys` may show another's. */
function linkExists(name: string): boolean {
  return readFileSync("/proc/thread-self/net/dev", "utf8")
    .split("\n")
    .some((line) => line.trimStart().startsWith(`${name}:`));
}

/** Without nft there are no rules; that it is missing is told where they are made. */
async function tableExists(table: string): Promise<boolean> {
  try {
    return (await programOutcome("nft", ["list", "table", "inet", table])).status === 0;
  } catch {
    return false;
  }
}
