import { type Stats, lstatSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DeviceMapping, HostConfig } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import type { DeviceCgroupRule, LinuxDevice } from "@pouchcontainer/oci";
import { listDirectory } from "./rootfs-reader.ts";

/** A device node of the host. */
export interface HostDevice {
  path: string;
  type: "c" | "b";
  major: number;
  minor: number;
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
}

/** Looks at the host's `/dev`. */
export interface HostDevices {
  /** The node at this path, links followed; undefined when it is none. */
  node(path: string): HostDevice | undefined;
  exists(path: string): boolean;
  isDirectory(path: string): boolean;
  /** Every node below a directory, links left out. */
  below(directory: string): HostDevice[];
}

export function hostDevices(root = "/"): HostDevices {
  const at = (path: string): string => join(root, path);
  const node = (path: string): HostDevice | undefined => {
    const stats = statSync(at(path), { throwIfNoEntry: false });
    return stats === undefined ? undefined : describe(path, stats);
  };
  const below = (directory: string): HostDevice[] =>
    listDirectory(at(directory)).flatMap((name): HostDevice[] => {
      const path = `${directory.replace(/\/$/, "")}/${name}`;
      if (skipped.has(path)) return [];
      const stats = lstatSync(at(path), { throwIfNoEntry: false });
      if (stats === undefined) return [];
      if (stats.isDirectory()) return below(path);
      const found = describe(path, stats);
      return found === undefined ? [] : [found];
    });
  return {
    node: (path) => node(resolveLinks(root, path)),
    exists: (path) => statSync(at(path), { throwIfNoEntry: false }) !== undefined,
    isDirectory: (path) => statSync(at(path), { throwIfNoEntry: false })?.isDirectory() ?? false,
    below,
  };
}

/** File systems of their own below /dev, and the console, which a container gets its own of. */
const skipped = new Set([
  "/dev/pts",
  "/dev/shm",
  "/dev/fd",
  "/dev/mqueue",
  "/dev/.lxc",
  "/dev/.lxd-mounts",
  "/dev/.udev",
  "/dev/console",
]);

function resolveLinks(root: string, path: string): string {
  if (root !== "/") return path;
  try {
    return realpathSync(path);
  } catch {
    // A dangling path has no node; `node` answers that.
    return path;
  }
}

function describe(path: string, stats: Stats): HostDevice | undefined {
  const type = stats.isCharacterDevice() ? "c" : stats.isBlockDevice() ? "b" : undefined;
  if (type === undefined) return undefined;
  return { path, type, ...deviceNumbers(stats.rdev), mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid };
}

/** glibc's `gnu_dev_major` and `gnu_dev_minor`; the number may be wider than 32 bits. */
export function deviceNumbers(rdev: number): { major: number; minor: number } {
  const number = BigInt(rdev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}

const rule = (type: "c" | "b", major: number, minor: number): DeviceCgroupRule => ({
  allow: true,
  type,
  major,
  minor,
  access: "rwm",
});

/** Deny all, then what every container may use: zero, null, urandom, random, tty, console; never fuse by default. */
const defaultRules: DeviceCgroupRule[] = [
  { allow: false, access: "rwm" },
  rule("c", 1, 5),
  rule("c", 1, 3),
  rule("c", 1, 9),
  rule("c", 1, 8),
  rule("c", 5, 0),
  rule("c", 5, 1),
  { allow: false, type: "c", major: 10, minor: 229, access: "rwm" },
];

const cgroupRule = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/;

/** Reads a `--device-cgroup-rule`. */
export function parseDeviceCgroupRule(text: string): DeviceCgroupRule {
  const match = cgroupRule.exec(text);
  if (match === null) throw invalidArgument(`invalid device cgroup rule format: '${text}'`);
  const [, type = "a", major = "*", minor = "*", access = "rwm"] = match;
  return {
    allow: true,
    // The expression above admits these three letters only.
    type: type as "a" | "c" | "b",
    ...(major === "*" ? {} : { major: Number(major) }),
    ...(minor === "*" ? {} : { minor: Number(minor) }),
    access,
  };
}

/** Device nodes a container is given and the cgroup rules that let it use them. */
export function buildDevices(
  hostConfig: Pick<HostConfig, "Privileged" | "Devices" | "DeviceCgroupRules">,
  host: HostDevices,
): { devices: LinuxDevice[]; rules: DeviceCgroupRule[] } {
  if (hostConfig.Privileged) {
    const devices = host.below("/dev").map((device) => linuxDevice(device, device.path));
    // Devices mapped to another name are wanted there too.
    for (const mapping of hostConfig.Devices ?? []) devices.push(...mapped(mapping, host).map(({ device }) => device));
    return { devices: uniqueByPath(devices), rules: [{ allow: true, access: "rwm" }] };
  }
  const found = (hostConfig.Devices ?? []).flatMap((mapping) => mapped(mapping, host));
  return {
    devices: uniqueByPath(found.map(({ device }) => device)),
    rules: [
      ...defaultRules,
      ...found.map(({ allowed }) => allowed),
      ...(hostConfig.DeviceCgroupRules ?? []).map(parseDeviceCgroupRule),
    ],
  };
}

/** One mapping: a node, or every node below a directory, moved to the path in the container. */
function mapped(mapping: DeviceMapping, host: HostDevices): { device: LinuxDevice; allowed: DeviceCgroupRule }[] {
  const source = mapping.PathOnHost ?? "";
  const target = mapping.PathInContainer || source;
  const access = mapping.CgroupPermissions || "rwm";
  const single = host.node(source);
  const nodes =
    single === undefined
      ? host.below(source).map((node) => ({ node, path: target + node.path.slice(source.length) }))
      : [{ node: single, path: target }];
  if (nodes.length === 0 && !host.isDirectory(source)) {
    const reason = host.exists(source) ? "not a device node" : "no such file or directory";
    throw invalidArgument(`error gathering device information while adding custom device "${source}": ${reason}`);
  }
  return nodes.map(({ node, path }) => ({
    device: linuxDevice(node, path),
    allowed: { allow: true, type: node.type, major: node.major, minor: node.minor, access },
  }));
}

function linuxDevice(device: HostDevice, path: string): LinuxDevice {
  const { type, major, minor, mode, uid, gid } = device;
  return { path, type, major, minor, fileMode: mode, uid, gid };
}

function uniqueByPath(devices: LinuxDevice[]): LinuxDevice[] {
  return [...new Map(devices.map((device) => [device.path, device])).values()];
}
