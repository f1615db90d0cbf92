import type { Hook, Hooks, LinuxDevice, SpecMount } from "@pouchcontainer/oci";

/** A file of the Container Device Interface (cncf-tags/container-device-interface, SPEC.md), as far as it is used here. */
export interface CdiSpec {
  /** `vendor.com/class`. */
  kind: string;
  /** What every device of the file brings. */
  containerEdits?: CdiContainerEdits;
  devices: { name: string; containerEdits?: CdiContainerEdits }[];
}

export interface CdiContainerEdits {
  env?: string[];
  deviceNodes?: CdiDeviceNode[];
  mounts?: { hostPath: string; containerPath: string; options?: string[]; type?: string }[];
  hooks?: { hookName: string; path: string; args?: string[]; env?: string[]; timeout?: number }[];
  additionalGids?: number[];
}

export interface CdiDeviceNode {
  path: string;
  /** Default `path`. */
  hostPath?: string;
  type?: string;
  major?: number;
  minor?: number;
  /** Permission bits. */
  fileMode?: number;
  /** Of the device cgroup, letters of `rwm`. Default all. */
  permissions?: string;
  uid?: number;
  gid?: number;
}

/** What devices add to a container's runtime spec, nothing left to look up. */
export interface CdiEdits {
  env: readonly string[];
  devices: readonly { device: LinuxDevice; access: string }[];
  mounts: readonly SpecMount[];
  hooks: readonly { stage: keyof Hooks; hook: Hook }[];
  additionalGids: readonly number[];
}
