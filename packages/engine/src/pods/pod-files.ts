import { makeFolders } from "@pouchcontainer/owners";
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { hostname as nameOfHost } from "node:os";
import { renderResolvConf } from "../networks/files/resolv-conf.ts";
import type { PodConfig } from "./pod-config.ts";
import type { PodPaths } from "./pod-paths.ts";

/** Writes what containers of the pod see as /etc/hostname and /etc/resolv.conf. */
export async function writePodFiles(config: PodConfig, paths: PodPaths, hostRoot: string): Promise<void> {
  await makeFolders(paths.home, 0o710);
  await writeForContainers(paths.hostname, `${config.hostname || nameOfHost()}\n`);
  await writeForContainers(paths.resolvConf, resolvConfOf(config, hostRoot));
}

/** As asked for, and nothing of the host's beside it; without an asking the host's file as it is, comments included. */
function resolvConfOf({ dns }: PodConfig, hostRoot: string): string {
  if (dns) return renderResolvConf({ nameservers: dns.servers, search: dns.searches, options: dns.options });
  try {
    return readFileSync(`${hostRoot}/etc/resolv.conf`, "utf8");
  } catch {
    return "";
  }
}

/** Whoever a process in a container is, it reads the file there; on the host its folder is closed. */
async function writeForContainers(path: string, content: string): Promise<void> {
  await using file = await open(path, "w");
  await file.chmod(0o644);
  await file.writeFile(content);
}
