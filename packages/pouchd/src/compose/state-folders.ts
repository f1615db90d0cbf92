import { failedPrecondition, invalidArgument, messageChain } from "@pouchcontainer/errors";
import { makeFoldersSync } from "@pouchcontainer/owners";
import { accessSync, chmodSync, constants, existsSync, lstatSync, readdirSync, type Stats } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Folders that everybody's programs need open. */
const everybodys = new Set([
  "/",
  "/etc",
  "/home",
  "/opt",
  "/root",
  "/run",
  "/srv",
  "/tmp",
  "/usr",
  "/var",
  "/var/lib",
  "/var/run",
  "/var/tmp",
]);

/** Refuses folders that are not the daemon's alone: closed to others, they would keep everybody out. */
export function refuseSharedFolders(folders: readonly string[]): void {
  for (const folder of folders) {
    const stats = lstatSync(folder, { throwIfNoEntry: false });
    // An empty one that everybody may write into is a file system as it was made: a tmpfs of the daemon's own.
    const isShared = stats !== undefined && (stats.mode & 0o1000) !== 0 && readdirSync(folder).length > 0;
    if (everybodys.has(folder) || isShared)
      throw invalidArgument(
        `${folder} is no folder of the daemon's own: give --home-dir and --exec-root-dir one that is closed to others`,
      );
  }
}

/** What a daemon makes in its home and in its exec root. */
const ownName =
  /^(?:containerd|containers|pods|pouch\.db|records|store\.json|volumes|plugins|keeper|netns|owner|runc|views|\.last-exec-root|\.last-containerd|\.pouchd-exec-root)(?:$|[.-])/;

/** Makes the daemon's folders where they are missing; one that is there stays as it is until it is known to be the daemon's. */
export function makeStateFolders(folders: readonly string[]): void {
  for (const folder of folders) makeWritable(folder);
}

/**
 * Closes the daemon's folders to other users of the host: environments, logs and images are in them, and a setuid file of root that a
 * container put into a volume. Those an older daemon, a restore or an operator left open are closed, and that is said. What else is in
 * them is not the daemon's, and behind the closed folder.
 */
export function closeStateFolders(folders: readonly string[], warn: (message: string) => void): void {
  for (const folder of folders) {
    close(folder, lstatSync(folder), warn);
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const below = ownName.test(name) ? lstatSync(path, { throwIfNoEntry: false }) : undefined;
      if (below) close(path, below, warn);
    }
  }
}

/** Asked at the start: SQLite has one message, "disk I/O error", for every cause. */
function makeWritable(folder: string): void {
  try {
    // A recursive mkdir on a read-only file system says ENOENT.
    let there = resolve(folder);
    while (!existsSync(there)) there = dirname(there);
    accessSync(there, constants.W_OK);
    // The umask would take the group's way from it.
    if (makeFoldersSync(folder) !== undefined) chmodSync(folder, 0o710);
  } catch (error) {
    throw failedPrecondition(
      `the daemon cannot write to ${folder}: ${messageChain(error)}. Give --home-dir and --exec-root-dir folders on a writable file system`,
      { cause: error },
    );
  }
}

function close(path: string, stats: Stats, warn: (message: string) => void): void {
  const open = stats.mode & 0o7777;
  // Sockets of containerd are 0600 by its own doing; links and FIFOs have no content.
  if (!stats.isDirectory() && !stats.isFile()) return;
  // As dockerd's root: its group may pass, nobody else may look. Files are root's alone.
  const closed = stats.isDirectory() ? open & 0o710 : open & 0o600;
  if ((open & (stats.isDirectory() ? 0o027 : 0o077)) === 0) return;
  chmodSync(path, closed);
  warn(`${path} was open to other users (${open.toString(8)}): closed`);
}
