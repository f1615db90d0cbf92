import { makeFolders } from "@pouchcontainer/owners";
import { open } from "node:fs/promises";
import { join } from "node:path";

export interface SandboxFiles {
  hostsPath: string;
  resolvConfPath: string;
  hostnamePath: string;
}

export function sandboxFiles(directory: string): SandboxFiles {
  return {
    hostsPath: join(directory, "hosts"),
    resolvConfPath: join(directory, "resolv.conf"),
    hostnamePath: join(directory, "hostname"),
  };
}

/**
 * Writes the three files that are bind-mounted into the container. They are written in place, never renamed over: the
 * mount of a running container holds the inode.
 */
export async function writeSandboxFiles(
  directory: string,
  content: { hosts: string; resolvConf: string; hostname: string },
): Promise<SandboxFiles> {
  await makeFolders(directory, 0o710);
  const files = sandboxFiles(directory);
  await Promise.all([
    writeForContainer(files.hostsPath, content.hosts),
    writeForContainer(files.resolvConfPath, content.resolvConf),
    writeForContainer(files.hostnamePath, content.hostname),
  ]);
  return files;
}

/** Whoever a process in the container is, it reads the file there; on the host its folder is closed. */
async function writeForContainer(path: string, content: string): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.chmod(0o644);
    await file.writeFile(content);
  } finally {
    await file.close();
  }
}
