import { invalidArgument } from "@pouchcontainer/errors";
import { cdiEdits } from "./cdi/cdi-edits.ts";
import { defaultCdiFolders, readCdiSpecs } from "./cdi/read-cdi-specs.ts";
import type { ContainerDeps } from "./container-deps.ts";
import type { CriRecord, CriSettings } from "./cri-settings.ts";
import { normaliseCapabilities } from "./spec/index.ts";

/** Checks what was asked for over CRI and looks up what it names; what this machine cannot do is refused here, not at the start. */
export function criRecord(
  { seccompPath: _path, imageVolumes: _volumes, cdiDevices = [], ...settings }: CriSettings,
  { facts, devices, cdiFolders = defaultCdiFolders }: Pick<ContainerDeps, "facts" | "devices" | "cdiFolders">,
): Omit<CriRecord, "imageVolumes"> {
  const { ambientCapabilities = [], supplementalGroups = [] } = settings;
  normaliseCapabilities(ambientCapabilities);
  for (const gid of supplementalGroups)
    if (!Number.isInteger(gid) || gid < 0 || gid > maxId)
      throw invalidArgument(`supplemental group ${gid} is out of range 0-${maxId}`);
  checkCriLimits(settings, facts);
  if (cdiDevices.length === 0) return settings;
  return { ...settings, cdi: { names: cdiDevices, edits: cdiEdits(cdiDevices, readCdiSpecs(cdiFolders), devices) } };
}

/** Checks limits for which Docker's body has no word, at a creation and at a change. */
export function checkCriLimits(
  { hugepageLimits = [], unified = {} }: Pick<CriSettings, "hugepageLimits" | "unified">,
  { cgroup }: Pick<ContainerDeps["facts"], "cgroup">,
): void {
  for (const { pageSize, limitBytes } of hugepageLimits)
    if (!/^\d+[KMG]B$/.test(pageSize) || limitBytes < 0)
      throw invalidArgument(`invalid hugepage limit: ${pageSize}=${limitBytes}`);
  for (const name of Object.keys(unified))
    if (!/^[\w.-]+$/.test(name) || !name.includes(".")) throw invalidArgument(`invalid name of a cgroup v2 file: "${name}"`);
  if (Object.keys(unified).length > 0 && cgroup.version !== 2)
    throw invalidArgument("unified cgroup resources need cgroup v2, which this machine does not have");
}

/** `2^31-1`, as for every id of a process. */
const maxId = 2 ** 31 - 1;
