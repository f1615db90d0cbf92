import { mkdir, writeFile } from "node:fs/promises";
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
  await mkdir(directory, { recursive: true });
  const files = sandboxFiles(directory);
  await Promise.all([
    writeFile(files.hostsPath, content.hosts, { mode: 0o644 }),
    writeFile(files.resolvConfPath, content.resolvConf, { mode: 0o644 }),
    writeFile(files.hostnamePath, content.hostname, { mode: 0o644 }),
  ]);
  return files;
}
