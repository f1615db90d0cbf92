import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PodConfig } from "./pod-config.ts";

/** Of kernel.*, those of the ipc namespace (kernel, `ipc/ipc_sysctl.c`). */
const ofIpc = new Set([
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
]);

/** A sysctl's name with dots, however it was written: `net/ipv4/conf/eth0.1/forwarding` has dots of its own. */
const name = /^[a-z0-9_]+[./][a-zA-Z0-9_.-]+(?:\/[a-zA-Z0-9_.-]+)*$/;

/** Refuses what is not of the pod's own namespaces: it would be the whole host's. */
export function checkSysctls({ sysctls, namespaces }: Pick<PodConfig, "sysctls" | "namespaces">): void {
  for (const [key, value] of Object.entries(sysctls)) {
    if (!name.test(key) || pathOf(key).split("/").includes("..")) throw invalidArgument(`sysctl "${key}" is not a name`);
    if (/\n/.test(value)) throw invalidArgument(`sysctl ${key}: the value must be one line`);
    const kind = namespaceOf(pathOf(key).replaceAll("/", "."));
    if (kind === undefined)
      throw invalidArgument(`sysctl ${key} is the whole host's: a pod may set those of its network and ipc`);
    if (namespaces[kind] === "node") throw invalidArgument(`sysctl ${key}: the pod has the host's ${kind} namespace`);
  }
}

function namespaceOf(key: string): "network" | "ipc" | undefined {
  if (key.startsWith("net.")) return "network";
  return ofIpc.has(key) || key.startsWith("fs.mqueue.") ? "ipc" : undefined;
}

/** With the first separator a slash, the others stay as they are (sysctl(8)). */
function pathOf(key: string): string {
  return /^[^./]*\//.test(key) ? key : key.replaceAll(/[./]/g, (mark) => (mark === "." ? "/" : "."));
}

/** Writes them for the namespaces the calling thread is in. */
export function writeSysctls(sysctls: Readonly<Record<string, string>>, root = "/proc/sys"): void {
  for (const [key, value] of Object.entries(sysctls)) {
    try {
      writeFileSync(join(root, pathOf(key)), value, { flag: "r+" });
    } catch (error) {
      throw invalidArgument(`sysctl ${key} cannot be set to "${value}": ${messageChain(error)}`, { cause: error });
    }
  }
}
