import { failedPrecondition, internal } from "@pouchcontainer/errors";
import type { SpecMount } from "@pouchcontainer/oci";
import { join } from "node:path";
import type { NetworkSandbox } from "../../networks/container-networks.ts";
import type { MountPointRecord } from "../container-record.ts";
import { tmpfsOptions, tmpfsText } from "./mount-options.ts";
import { type BindSource, passesOn, type RootfsPropagation, rootfsPropagationFor } from "./mount-propagation.ts";
import { isAtLeast } from "./seccomp.ts";
import { parseSecurityOptions } from "./security-options.ts";
import type { HostFacts } from "./host-facts.ts";
import type { SpecInput, SpecSettings } from "./spec-input.ts";

/** Where the init program appears in the container. */
export const initDestination = "/sbin/docker-init";

/** `/dev/shm` of a container that says nothing. */
const defaultShmSize = 64 * 1024 * 1024;

/** Every mount of a container, in the order they are made: what every container has, then its own, parents first. */
export function buildMounts(
  input: SpecInput,
  options: { init: boolean },
): { mounts: SpecMount[]; rootfsPropagation: RootfsPropagation } {
  const own = ownMounts(input, options);
  const destinations = new Set(own.mounts.map((mount) => mount.destination));
  // A mount of the user's own in the place of one of ours replaces it; one on /dev replaces everything below it too.
  const base = baseMounts(input).filter(
    ({ destination }) => !destinations.has(destination) && !(destinations.has("/dev") && destination.startsWith("/dev/")),
  );
  return { mounts: [...base, ...own.mounts], rootfsPropagation: own.rootfsPropagation };
}

/** The same on a read-only root: a process needs to write to these, or may write to them by what it was given, or not at all. */
function baseMounts(input: SpecInput): SpecMount[] {
  const { hostConfig } = input.record;
  const { writableCgroups } = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  const cgroupAccess = hostConfig.Privileged || writableCgroups ? [] : ["ro"];
  const mounts: SpecMount[] = [
    { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
    { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"] },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    {
      destination: "/sys",
      type: "sysfs",
      source: "sysfs",
      options: ["nosuid", "noexec", "nodev", ...(hostConfig.Privileged ? [] : ["ro"])],
    },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [...cgroupAccess, "nosuid", "noexec", "nodev"] },
    // Shows the queues of the IPC namespace it is mounted from, the host's too: the host need not have it mounted.
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  ];
  return mounts;
}

function ownMounts(input: SpecInput, { init }: { init: boolean }): { mounts: SpecMount[]; rootfsPropagation: RootfsPropagation } {
  const { record } = input;
  let rootfsPropagation: RootfsPropagation = "";
  const mounts = new Map<string, SpecMount>();
  const add = (mount: SpecMount): void => {
    mounts.set(mount.destination, mount);
  };

  for (const mount of [...networkFileMounts(input), shmMount(input)]) if (mount !== undefined) add(mount);
  for (const point of record.mountPoints) {
    const propagation = propagationOf(point, input);
    add(point.type === "tmpfs" ? tmpfsMount(point) : bindMount(point, propagation, input));
    const wanted = rootfsPropagationFor(propagation, bindSource(point, input), () => input.mountInfo());
    if (wanted === "shared" || rootfsPropagation === "") rootfsPropagation = wanted;
  }
  for (const [destination, text] of Object.entries(record.hostConfig.Tmpfs ?? {}))
    add({ destination: cleanPath(destination), type: "tmpfs", source: "tmpfs", options: tmpfsOptions(text) });
  if (init) add(initMount(input));
  for (const [destination, source] of input.imagePlaces ?? [])
    add({ destination: cleanPath(destination), type: "bind", source, options: ["rbind", "ro", "rprivate"] });
  for (const mount of record.cri?.cdi?.edits.mounts ?? []) add({ ...mount, destination: cleanPath(mount.destination) });

  const depth = (mount: SpecMount): number => mount.destination.split("/").filter(Boolean).length;
  return { mounts: [...mounts.values()].sort((one, other) => depth(one) - depth(other)), rootfsPropagation };
}

function networkFileMounts({ record, network }: SpecInput): SpecMount[] {
  if (record.config.DisableNetworkFiles) return [];
  const { hostnamePath, hostsPath, resolvConfPath }: NetworkSandbox = record.pod ? record.pod.files : network;
  const files: [string, string | undefined][] = [
    ["/etc/resolv.conf", resolvConfPath],
    ["/etc/hostname", hostnamePath],
    ["/etc/hosts", hostsPath],
  ];
  const access = record.hostConfig.ReadonlyRootfs ? ["ro"] : [];
  return files.flatMap(([destination, source]): SpecMount[] =>
    source === undefined ? [] : [{ destination, type: "bind", source, options: ["rbind", ...access, "rprivate"] }],
  );
}

function shmMount({ record, shmPath, joined }: SpecInput): SpecMount | undefined {
  const { IpcMode: mode = "private", ShmSize: size } = record.hostConfig;
  const bind = (source: string): SpecMount => ({ destination: "/dev/shm", type: "bind", source, options: ["rbind", "rprivate"] });
  if (record.pod?.shmPath !== undefined) return bind(record.pod.shmPath);
  if (mode === "none") return undefined;
  if (mode === "host") return bind("/dev/shm");
  if (mode.startsWith("container:")) {
    const shared = joined.ipc?.shmPath;
    if (shared === undefined) throw failedPrecondition(`the IPC of ${mode.slice("container:".length)} is not shareable`);
    return bind(shared);
  }
  if (mode === "shareable" && shmPath !== undefined) return bind(shmPath);
  const options = ["nosuid", "noexec", "nodev", "mode=1777", `size=${size || defaultShmSize}`];
  return { destination: "/dev/shm", type: "tmpfs", source: "shm", options };
}

function tmpfsMount({ destination, spec, rw }: MountPointRecord): SpecMount {
  return { destination, type: "tmpfs", source: "tmpfs", options: tmpfsOptions(tmpfsText(spec?.TmpfsOptions, !rw)) };
}

/** A slave that nobody asked for (`adaptToOwnFolders`) is one where the host's mount can have slaves. */
function propagationOf(point: MountPointRecord, input: SpecInput): string {
  const { type, propagation, spec } = point;
  if (type === "tmpfs") return "";
  if (propagation !== "rslave" || spec?.BindOptions?.Propagation) return propagation;
  return passesOn(bindSource(point, input).place, input.mountInfo()) ? propagation : "rprivate";
}

const bindSource = ({ source }: MountPointRecord, { sources }: SpecInput): BindSource => ({
  source,
  place: sources?.get(source) ?? source,
});

function bindMount(point: MountPointRecord, propagation: string, input: SpecInput): SpecMount {
  const { destination, rw, spec } = point;
  const source = spec?.VolumeOptions?.Subpath ? subpathPlace(point, input) : point.source;
  const recursion = spec?.BindOptions?.NonRecursive ? "bind" : "rbind";
  const access = rw ? [] : [readOnlyOption(point, input)];
  return { destination, type: "bind", source, options: [recursion, ...access, propagation || "rprivate"] };
}

function subpathPlace({ destination }: MountPointRecord, { subpaths }: SpecInput): string {
  const place = subpaths?.get(destination);
  if (place === undefined) throw internal(`the subpath for ${destination} was not looked up`);
  return place;
}

/** Whether kernel (`mount_setattr`) and runtime can make everything below a mount read-only. */
export function readsOnlyRecursively(
  { recursiveReadOnly }: Pick<SpecSettings, "recursiveReadOnly">,
  { kernel }: HostFacts,
): boolean {
  return recursiveReadOnly && isAtLeast(kernel.version, [5, 12]);
}

/** `ro` covers one mount only; `rro` everything below it as well. */
function readOnlyOption({ spec }: MountPointRecord, { settings, facts }: SpecInput): string {
  const options = spec?.BindOptions;
  const recursive = readsOnlyRecursively(settings, facts);
  if (options?.ReadOnlyForceRecursive && !recursive)
    throw failedPrecondition(
      "BindOptions.ReadOnlyForceRecursive needs Linux 5.12 and a runtime that knows recursive read-only mounts",
    );
  return recursive && !options?.ReadOnlyNonRecursive && !options?.NonRecursive ? "rro" : "ro";
}

function initMount({ settings }: SpecInput): SpecMount {
  if (settings.initPath === undefined)
    throw failedPrecondition(
      "no init program on this machine for --init: install tini (docker-init), or name one in the daemon's init-path",
    );
  return { destination: initDestination, type: "bind", source: settings.initPath, options: ["bind", "ro"] };
}

function cleanPath(path: string): string {
  return join("/", path).replace(/(.)\/$/, "$1");
}
