import { makeFolders, startTimeOf } from "@pouchcontainer/owners";
import type { Libc } from "@pouchcontainer/linux";
import { existsSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { takeDownFolder } from "../containers/take-down-folder.ts";
import { NetworkNamespaces } from "../networks/linux/network-namespaces.ts";
import { isNamespace } from "./is-namespace.ts";
import { PinnedNamespaces } from "./pinned-namespaces.ts";
import type { PodConfig, PodResources } from "./pod-config.ts";
import { folderOfSlice, groupHierarchies, type GroupHierarchies } from "../control-groups/control-groups.ts";
import { makeGroups, removeGroups } from "../control-groups/make-groups.ts";
import { groupsToOwn } from "./pod-groups.ts";
import { PodConnections } from "./pod-connections.ts";
import { endPodInit, startPodInit, type PodInitDeps } from "./pod-init.ts";
import { limitGroups } from "./pod-limits.ts";
import { podPaths, type PodRoots } from "./pod-paths.ts";
import type { PodRecord } from "./pod-record.ts";
import { writeSysctls } from "./pod-sysctls.ts";
import { groupUsage, interfacesIn, type InterfaceUsage, type PodGroupUsage } from "./pod-usage.ts";

export interface PodKernelDeps {
  libc: Libc;
  roots: PodRoots;
  init: PodInitDeps;
  /** Control group of containers whose pod names none. */
  cgroupParent: string;
}

const defaultSharedMemoryBytes = 64 << 20;

/** What pods have in the kernel: pinned namespaces, shared memory, control groups, the process of a shared pid namespace. */
export class PodKernel {
  readonly #deps: PodKernelDeps;
  readonly #networks: NetworkNamespaces;
  readonly #others: PinnedNamespaces;
  readonly #connections: PodConnections;

  constructor(deps: PodKernelDeps) {
    this.#deps = deps;
    this.#networks = new NetworkNamespaces({ libc: deps.libc, directory: deps.roots.exec });
    this.#others = new PinnedNamespaces({ libc: deps.libc });
    this.#connections = new PodConnections({ libc: deps.libc, within: (path, work) => this.#networks.within(path, work) });
  }

  /** Folders of its control group that are its own to remove, `claimed` being other pods'. systemd makes and removes its slices. */
  groupsToOwn({ cgroupParent }: PodConfig, claimed: ReadonlySet<string>): string[] {
    if (cgroupParent === "" || this.#deps.init.cgroupDriver === "systemd") return [];
    return groupsToOwn(this.#hierarchies(), cgroupParent, claimed);
  }

  /** Makes what the configuration asks for. When it fails, `takeDown` takes away what there is by then. */
  async make({ id, config, groups }: PodRecord): Promise<Pick<PodRecord, "init">> {
    const { namespaces, sysctls } = config;
    const paths = podPaths(this.#deps.roots, id);
    await makeFolders(paths.exec, 0o700);
    if (namespaces.network === "pod") {
      this.#networks.create(`${id}/net`);
      this.#networks.within(paths.network, () => writeSysctls(startingWith("net", sysctls)));
      this.#others.create("uts", paths.uts);
      this.#others.within("uts", paths.uts, () => writeSysctls(namesOf(config)));
    }
    if (namespaces.ipc === "pod") {
      this.#others.create("ipc", paths.ipc);
      this.#others.within("ipc", paths.ipc, () => writeSysctls(startingWith("kernel", sysctls, "fs")));
      await makeFolders(paths.shm, 0o700);
      this.#others.mountSharedMemory(paths.shm, config.shmSizeBytes ?? defaultSharedMemoryBytes);
    }
    if (groups.length > 0) {
      await makeGroups(groups);
      if (config.resources) await limitGroups(this.#hierarchies(), config.resources, groups);
    }
    if (namespaces.pid !== "pod") return {};
    const init = await startPodInit(this.#deps.init, {
      id,
      folder: paths.init,
      namespaces: {
        ...(namespaces.network === "pod" && { network: paths.network, uts: paths.uts }),
        ...(namespaces.ipc === "pod" && { ipc: paths.ipc }),
      },
      cgroupParent: this.#parentOf(config),
    });
    this.#others.pin(`/proc/${init.pid}/ns/pid`, paths.pid);
    return { init };
  }

  /** Takes all of it away, whatever there is of it; any number of times. Without a configuration: of a pod nobody knows. */
  async takeDown({ id, groups, config }: Pick<PodRecord, "id" | "groups"> & Partial<PodRecord>): Promise<void> {
    const paths = podPaths(this.#deps.roots, id);
    if (existsSync(paths.init))
      await endPodInit(this.#deps.init, { id, folder: paths.init, cgroupParent: this.#parentOf(config) });
    if (existsSync(paths.exec)) {
      this.#networks.remove(`${id}/net`);
      for (const path of [paths.pid, paths.ipc, paths.uts]) this.#others.unpin(path);
      this.#others.unmount(paths.shm);
      await takeDownFolder(paths.exec);
    }
    await removeGroups(groups);
  }

  /** Whether a pod that was made has all that containers join. */
  isWhole(pod: PodRecord): boolean {
    const { id, config } = pod;
    const { namespaces } = config;
    const paths = podPaths(this.#deps.roots, id);
    const pins = [
      ...(namespaces.network === "pod" ? [paths.network, paths.uts] : []),
      ...(namespaces.ipc === "pod" ? [paths.ipc] : []),
      ...(namespaces.pid === "pod" ? [paths.pid] : []),
    ];
    return pins.every(isNamespace) && !this.hasEnded(pod);
  }

  /** Whether the process that holds its pid namespace, without which no other can be in there, has ended. */
  hasEnded({ init }: PodRecord): boolean {
    return init !== undefined && startTimeOf(init.pid) !== init.startTime;
  }

  /** Writes limits into those folders of its control group that are its own. */
  limit({ groups }: Pick<PodRecord, "groups">, resources: PodResources): Promise<void> {
    return limitGroups(this.#hierarchies(), resources, groups);
  }

  /** What it has used: of its group where it was given one, and of its network where it has one of its own. */
  async usage({ id, config }: PodRecord): Promise<{ group?: PodGroupUsage; interfaces: InterfaceUsage[] }> {
    const { cgroupParent, namespaces } = config;
    const path = this.#deps.init.cgroupDriver === "systemd" ? folderOfSlice(cgroupParent) : cgroupParent;
    const group = cgroupParent === "" ? undefined : await groupUsage(this.#hierarchies(), path);
    const pin = podPaths(this.#deps.roots, id).network;
    const inPod = namespaces.network === "pod" && isNamespace(pin);
    const text = inPod ? this.#networks.within(pin, () => readFileSync("/proc/thread-self/net/dev", "utf8")) : "";
    return { ...(group && { group }), interfaces: interfacesIn(text) };
  }

  /** Connects with a port on its loopback. Rejects with `unavailable` where nobody listens. */
  connect({ id, config }: PodRecord, port: number, signal?: AbortSignal): Promise<Socket> {
    const netnsPath = config.namespaces.network === "pod" ? podPaths(this.#deps.roots, id).network : undefined;
    return this.#connections.connect(id, { netnsPath, port, signal });
  }

  /** Breaks off all such connections. */
  disconnect({ id }: Pick<PodRecord, "id">): void {
    this.#connections.end(id);
  }

  close(): void {
    this.#connections.close();
    this.#networks.close();
    this.#others.close();
  }

  #parentOf(config: PodConfig | undefined): string {
    return config?.cgroupParent || this.#deps.cgroupParent;
  }

  #hierarchies(): GroupHierarchies {
    return groupHierarchies(this.#deps.init.mountInfo());
  }
}

function startingWith(first: string, sysctls: Readonly<Record<string, string>>, second = first): Record<string, string> {
  return Object.fromEntries(Object.entries(sysctls).filter(([key]) => [first, second].includes(key.split(/[./]/)[0] ?? "")));
}

/** The host's names, which a new namespace begins with, where none is given. */
function namesOf({ hostname, domainname }: PodConfig): Record<string, string> {
  return {
    ...(hostname === "" ? {} : { "kernel.hostname": hostname }),
    ...(domainname === "" ? {} : { "kernel.domainname": domainname }),
  };
}
