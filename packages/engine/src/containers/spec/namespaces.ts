import { failedPrecondition } from "@pouchcontainer/errors";
import type { Namespace } from "@pouchcontainer/oci";
import type { ContainerRecord } from "../container-record.ts";
import type { PodMembership } from "../pod-membership.ts";
import type { SpecInput } from "./spec-input.ts";

/** The container a namespace mode such as `container:web` names, or undefined for other modes. */
export function containerOfMode(mode: string | undefined): string | undefined {
  return mode?.startsWith("container:") ? mode.slice("container:".length) : undefined;
}

/** References of the containers whose namespaces this one joins: resolve them and hand them to `buildSpec` as `joined`. */
export function joinedContainers(record: ContainerRecord): { pid?: string; ipc?: string } {
  const pid = containerOfMode(record.hostConfig.PidMode);
  const ipc = containerOfMode(record.hostConfig.IpcMode);
  return { ...(pid === undefined ? {} : { pid }), ...(ipc === undefined ? {} : { ipc }) };
}

/** The namespaces of a container; one that is missing is the host's. */
export function buildNamespaces(input: SpecInput): Namespace[] {
  const { hostConfig, pod } = input.record;
  const namespaces: Namespace[] = [{ type: "mount" }];
  if (pod) namespaces.push(...podNamespaces(pod));
  else namespaces.push(...namespacesOfModes(input));
  if (hostConfig.CgroupnsMode === "private" && input.facts.cgroupNamespaces) namespaces.push({ type: "cgroup" });
  return namespaces;
}

function podNamespaces({ namespaces }: PodMembership): Namespace[] {
  return (["network", "uts", "pid", "ipc"] as const).flatMap((type): Namespace[] => {
    const place = namespaces[type];
    if (place === "host") return [];
    return [place === "own" ? { type } : { type, path: place }];
  });
}

function namespacesOfModes(input: SpecInput): Namespace[] {
  const { hostConfig } = input.record;
  const namespaces: Namespace[] = [];
  if (hostConfig.NetworkMode !== "host") {
    const path = input.network.netnsPath;
    namespaces.push(path === undefined ? { type: "network" } : { type: "network", path });
  }
  if (hostConfig.UTSMode !== "host") namespaces.push({ type: "uts" });
  if (hostConfig.PidMode !== "host") namespaces.push(pidNamespace(input));
  if (hostConfig.IpcMode !== "host") namespaces.push(ipcNamespace(input));
  return namespaces;
}

function pidNamespace({ record, joined }: SpecInput): Namespace {
  const owner = containerOfMode(record.hostConfig.PidMode);
  if (owner === undefined) return { type: "pid" };
  if (joined.pid === undefined) throw failedPrecondition(`cannot join PID of a non running container: ${owner}`);
  return { type: "pid", path: `/proc/${joined.pid.pid}/ns/pid` };
}

function ipcNamespace({ record, joined }: SpecInput): Namespace {
  const owner = containerOfMode(record.hostConfig.IpcMode);
  if (owner === undefined) return { type: "ipc" };
  if (joined.ipc === undefined) throw failedPrecondition(`cannot join IPC of a non running container: ${owner}`);
  return { type: "ipc", path: `/proc/${joined.ipc.pid}/ns/ipc` };
}
