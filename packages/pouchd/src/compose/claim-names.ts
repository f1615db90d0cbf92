import { EngineError, failedPrecondition, messageChain, unavailable } from "@pouchcontainer/errors";
import { programOutcome } from "@pouchcontainer/owners";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Configuration } from "../config/options.ts";
import { HeldByAnother, takeOwnerLock, type OwnerLock } from "./owner-lock.ts";

/** Where daemons with nothing in common but this machine find each other; of this boot. */
const claimsFolder = "/run/pouch-claims";

/** Something a daemon has by a name that another one could be given too. */
export interface NamedThing {
  /** As a message names it: `the bridge p0`. */
  what: string;
  /** Which one it is: the name, and where the name holds. */
  place: string;
  /** The option that names it, with its article. */
  option: string;
  /** Whether it is there without a daemon. */
  exists: () => Promise<boolean>;
}

export interface Claims {
  /** Lets go; `inUse` says that containers go on with what was claimed, and no other daemon may take it for its own. */
  close(inUse: boolean): void;
}

/**
 * Claims names for this daemon: a second one would replace the rules and change the bridge that the first one's containers need. One that
 * ended while containers ran keeps its claim against daemons with another home, for as long as the thing is there.
 */
export async function claimNames(
  things: readonly NamedThing[],
  home: string,
  owner: string,
  folder = claimsFolder,
): Promise<Claims> {
  const locks: OwnerLock[] = [];
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const thing of things) locks.push(await claim(thing, home, owner, join(folder, fileName(thing))));
  } catch (error) {
    for (const lock of locks) lock.undo();
    throw error;
  }
  return {
    close: (inUse) => {
      for (const lock of locks)
        if (inUse) lock.leaveNote();
        else lock.close();
    },
  };
}

async function claim({ what, option, exists }: NamedThing, home: string, owner: string, file: string): Promise<OwnerLock> {
  const other = `or give this one ${option} of its own`;
  try {
    return await takeOwnerLock(file, owner, async (note) => {
      if (note.endsWith(ownerOf(home)) || !(await exists())) return;
      throw unavailable(
        `${what} belongs to a daemon that does not run (${note}) but may have containers: remove ${file} if that one will not come back, ${other}`,
      );
    });
  } catch (error) {
    if (error instanceof HeldByAnother)
      throw unavailable(`${what} is in use by another daemon (${error.owner}): stop it, ${other}`, { cause: error });
    if (error instanceof EngineError) throw error;
    throw failedPrecondition(`cannot note in ${file} who has ${what}: ${messageChain(error)}`, { cause: error });
  }
}

/** What a daemon says of itself to those it keeps out. */
export const ownerNote = (home: string): string => `process ${process.pid}${ownerOf(home)}`;

const ownerOf = (home: string): string => ` with --home-dir ${home}`;

/** Names may be longer than a file's name, and have slashes. */
const fileName = ({ place }: NamedThing): string => createHash("sha256").update(place).digest("hex").slice(0, 24);

/** What the configuration names that is not below the home or the exec root. Of control groups only a daemon's own are touched. */
export function namedThings(configuration: Configuration): NamedThing[] {
  const { dev, ino } = statSync("/proc/thread-self/ns/net");
  const here = `in network namespace ${dev}:${ino}`;
  const bridge = configuration["bridge-name"];
  const table = configuration["nft-table"];
  const namespace = configuration["default-namespace"];
  const execRoot = configuration["exec-root-dir"];
  const address = configuration.containerd?.replace(/^unix:\/\//, "") ?? join(execRoot, "containerd.sock");
  return [
    // One daemon's home as another's exec root would be swept as that one's.
    ...[...new Set([folderOf(configuration["home-dir"]), folderOf(execRoot)])].map((folder) => ({
      what: `the folder ${folder}`,
      place: `folder ${folder}`,
      option: "a --home-dir and --exec-root-dir",
      // The locks in it say whose it is.
      exists: () => Promise.resolve(false),
    })),
    {
      what: `the nftables table ${table}`,
      place: `table ${table} ${here}`,
      option: "an --nft-table",
      exists: () => tableExists(table),
    },
    ...(configuration["disable-bridge"] || bridge === "none"
      ? []
      : [
          {
            what: `the bridge ${bridge}`,
            place: `bridge ${bridge} ${here}`,
            option: "a --bridge-name",
            exists: () => Promise.resolve(linkExists(bridge)),
          },
        ]),
    {
      what: `the namespace ${namespace} of the containerd at ${address}`,
      place: `namespace ${namespace} ${join(folderOf(dirname(address)), basename(address))}`,
      option: "a --default-namespace",
      // What is there of a daemon that ended is set aside by the next one, not touched.
      exists: () => Promise.resolve(false),
    },
  ];
}

/** As the kernel names it, whatever links lead there. */
function folderOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
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
