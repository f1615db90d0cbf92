import type { DeviceCgroupRule, LinuxDevice, LinuxResources } from "@pouchcontainer/oci";
import type { CriRecord } from "../cri-settings.ts";
import type { CgroupFacts } from "./host-facts.ts";

/** Limits that only CRI knows. What the machine has no controller for is left out, as containerd's CRI does. */
export function criResources(cri: CriRecord | undefined, cgroup: CgroupFacts): LinuxResources {
  const { hugepageLimits = [], unified = {} } = cri ?? {};
  return {
    ...(hugepageLimits.length > 0 && cgroup.controllers.includes("hugetlb")
      ? { hugepageLimits: hugepageLimits.map(({ pageSize, limitBytes }) => ({ pageSize, limit: limitBytes })) }
      : {}),
    ...(Object.keys(unified).length > 0 && cgroup.version === 2 ? { unified: { ...unified } } : {}),
  };
}

/** Device nodes and rules with those that CDI devices bring; a node of theirs takes the place of another at its path. */
export function withCdiDevices(
  { devices, rules }: { devices: LinuxDevice[]; rules: DeviceCgroupRule[] },
  cri: CriRecord | undefined,
): { devices: LinuxDevice[]; rules: DeviceCgroupRule[] } {
  const added = cri?.cdi?.edits.devices ?? [];
  if (added.length === 0) return { devices, rules };
  const byPath = new Map([...devices, ...added.map(({ device }) => device)].map((device) => [device.path, device]));
  const allowed = added.flatMap(({ device: { type, major, minor }, access }): DeviceCgroupRule[] =>
    type === "c" || type === "b" ? [{ allow: true, type, major, minor, access }] : [],
  );
  return { devices: [...byPath.values()], rules: [...rules, ...allowed] };
}
