import type { ContainerRecord } from "../container-record.ts";
import { sampleFacts } from "../config/sample-settings.ts";
import type { HostDevices } from "./devices.ts";
import type { RootfsReader } from "./rootfs-reader.ts";
import { sampleRecord, sampleSettings } from "./sample-record.ts";
import type { SpecInput } from "./spec-input.ts";

/** A root file system of a few files, by path. */
export function fakeRootfs(files: Record<string, string> = {}): RootfsReader {
  return {
    readFile: (path) => files[path],
    open: () => undefined,
    kinds: () => new Map(),
    resolve: (path) => (path in files ? `/rootfs${path}` : undefined),
  };
}

/** A `/dev` with a null device and one disk. */
export const fakeDevices: HostDevices = {
  node: (path) => nodes.find((node) => node.path === path),
  exists: (path) => nodes.some((node) => node.path.startsWith(path)),
  isDirectory: (path) => nodes.some((node) => node.path.startsWith(`${path}/`)),
  below: (directory) => nodes.filter((node) => node.path.startsWith(`${directory}/`)),
};

const nodes: ReturnType<HostDevices["below"]> = [
  { path: "/dev/null", type: "c", major: 1, minor: 3, mode: 0o666, uid: 0, gid: 0 },
  { path: "/dev/sda", type: "b", major: 8, minor: 0, mode: 0o660, uid: 0, gid: 6 },
  { path: "/dev/snd/seq", type: "c", major: 116, minor: 1, mode: 0o660, uid: 0, gid: 29 },
];

/** Everything a spec is built from, of a container that asks for nothing on a machine that has everything. */
export function sampleInput(record: Partial<ContainerRecord> = {}, changes: Partial<SpecInput> = {}): SpecInput {
  return {
    record: sampleRecord(record),
    facts: sampleFacts(),
    settings: sampleSettings(),
    rootPath: "rootfs",
    rootfs: fakeRootfs(),
    devices: fakeDevices,
    mountInfo: () => "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n30 22 0:30 / /private rw - tmpfs tmpfs rw",
    network: {},
    hooks: [],
    joined: {},
    ...changes,
  };
}
