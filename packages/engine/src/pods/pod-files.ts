import { makeFolders } from "@pouchcontainer/owners";
import { open } from "node:fs/promises";
import { hostname as nameOfHost } from "node:os";
import { readLimited } from "../read-limited.ts";
import { renderHosts } from "../networks/files/hosts-file.ts";
import { renderResolvConf } from "../networks/files/resolv-conf.ts";
import type { PodConfig } from "./pod-config.ts";
import type { PodPaths } from "./pod-paths.ts";

/** Writes what containers of the pod see as /etc/hostname, /etc/resolv.conf and, where their maker mounts none of its own, /etc/hosts. */
export async function writePodFiles(config: PodConfig, paths: PodPaths, hostRoot: string): Promise<void> {
  await makeFolders(paths.home, 0o710);
  await writeForContainers(paths.hostname, `${config.hostname || nameOfHost()}\n`);
  await writeForContainers(paths.resolvConf, resolvConfOf(config, hostRoot));
  await writeHosts(paths, hostRoot);
}

/** The host's as it is, as over containerd; of a host without one the names of the loopback. */
export async function writeHosts(paths: Pick<PodPaths, "hosts">, hostRoot: string): Promise<void> {
  await writeForContainers(paths.hosts, fileOfHost(hostRoot, "etc/hosts") || renderHosts([]));
}

/** As asked for, and nothing of the host's beside it; without an asking the host's file as it is, comments included. */
function resolvConfOf({ dns }: PodConfig, hostRoot: string): string {
  if (dns) return renderResolvConf({ nameservers: dns.servers, search: dns.searches, options: dns.options });
  return fileOfHost(hostRoot, "etc/resolv.conf");
}

/** "" for one that is not there, or is no text of a sensible size. */
function fileOfHost(hostRoot: string, path: string): string {
  try {
    return readLimited(`${hostRoot}/${path}`);
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
