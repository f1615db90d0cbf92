import { messageChain } from "@pouchcontainer/errors";
import { makeFolders } from "@pouchcontainer/owners";
import { open } from "node:fs/promises";
import { hostname as nameOfHost } from "node:os";
import { readLimited } from "../read-limited.ts";
import { renderHosts } from "../networks/files/hosts-file.ts";
import { renderResolvConf } from "../networks/files/resolv-conf.ts";
import type { PodConfig } from "./pod-config.ts";
import type { PodPaths } from "./pod-paths.ts";

/** Where the host's files are. */
export interface HostFiles {
  /** "" on a machine; a folder in tests. */
  root: string;
  warn: (message: string) => void;
}

/** Lists of names to be blocked have some mebibytes. */
const mostHostBytes = 8 << 20;

/** Writes what containers of the pod see as /etc/hostname, /etc/resolv.conf and, where their maker mounts none of its own, /etc/hosts. */
export async function writePodFiles(config: PodConfig, paths: PodPaths, host: HostFiles): Promise<void> {
  await makeFolders(paths.home, 0o710);
  await writeForContainers(paths.hostname, `${config.hostname || nameOfHost()}\n`);
  await writeForContainers(paths.resolvConf, resolvConfOf(config, host));
  await writeHosts(paths, host);
}

/** The host's as it is, as over containerd; of a host without one the names of the loopback. */
export async function writeHosts(paths: Pick<PodPaths, "hosts">, host: HostFiles): Promise<void> {
  await writeForContainers(paths.hosts, fileOfHost(host, "etc/hosts") || renderHosts([]));
}

/** As asked for, and nothing of the host's beside it; without an asking the host's file as it is, comments included. */
function resolvConfOf({ dns }: PodConfig, host: HostFiles): string {
  if (dns) return renderResolvConf({ nameservers: dns.servers, search: dns.searches, options: dns.options });
  return fileOfHost(host, "etc/resolv.conf");
}

/** "" for one that is not there, or cannot be read, which is told. */
function fileOfHost({ root, warn }: HostFiles, path: string): string {
  try {
    return readLimited(`${root}/${path}`, { mostBytes: mostHostBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") warn(`pods do without the host's /${path}: ${messageChain(error)}`);
    return "";
  }
}

/** Whoever a process in a container is, it reads the file there; on the host its folder is closed. */
async function writeForContainers(path: string, content: string): Promise<void> {
  await using file = await open(path, "w");
  await file.chmod(0o644);
  await file.writeFile(content);
}
