import { invalidArgument } from "@pouchcontainer/errors";
import { constants } from "node:fs";
import { mkdir, open, type FileHandle } from "node:fs/promises";

/**
 * Writes a file of a container from the host. `path` is absolute as the container sees it; folders that are missing are made. The
 * container's processes may have made links, and an absolute one would lead a plain write to the host's own files: no link is
 * followed here, not even one that is made meanwhile. Throws `invalidArgument` where one is in the way.
 */
export async function writeInRootfs(rootfs: string, path: string, content: string | Uint8Array): Promise<void> {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  const name = parts.pop();
  if (!path.startsWith("/") || name === undefined || parts.includes("..") || name === "..") {
    throw invalidArgument(`"${path}" is no absolute path of a file`);
  }
  // The rootfs itself may be the daemon's view of a process (/proc/PID/root), which is a link by nature.
  let directory = await open(`${rootfs}/.`, constants.O_DIRECTORY);
  try {
    for (const part of parts) {
      const next = await openFolder(directory, part, path);
      await directory.close();
      directory = next;
    }
    const file = await refusingLinks(path, () => openFile(within(directory, name)));
    try {
      await file.writeFile(content);
    } finally {
      await file.close();
    }
  } finally {
    await directory.close();
  }
}

/** Opens it, or makes it readable for everyone in the container, whatever the umask of the process is. */
async function openFile(path: string): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_NOFOLLOW;
  try {
    return await open(path, flags | constants.O_TRUNC);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const file = await open(path, flags | constants.O_CREAT);
  await file.chmod(0o644);
  return file;
}

async function openFolder(parent: FileHandle, name: string, path: string): Promise<FileHandle> {
  const made = await mkdir(within(parent, name)).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
      return false;
    },
  );
  const folder = await refusingLinks(path, () => open(within(parent, name), constants.O_DIRECTORY | constants.O_NOFOLLOW));
  if (made) await folder.chmod(0o755);
  return folder;
}

/** A name looked up in an open folder: whatever happens to the path that led there, this is the folder. */
function within(directory: FileHandle, name: string): string {
  return `/proc/self/fd/${directory.fd}/${name}`;
}

async function refusingLinks<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // What the kernel answers to O_NOFOLLOW at a link: ELOOP, with O_DIRECTORY ENOTDIR.
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ELOOP" || code === "ENOTDIR")
      throw invalidArgument(`${path} of the container leads through a link or a file; it is not written`, { cause: error });
    throw error;
  }
}
