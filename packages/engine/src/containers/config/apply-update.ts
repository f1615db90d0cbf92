import type { ContainerUpdateConfig, HostConfig } from "@pouchcontainer/api";
import { conflict, invalidArgument, notImplemented } from "@pouchcontainer/errors";
import type { HostFacts } from "../spec/host-facts.ts";
import { isNoRestart, verifyRestartPolicy } from "./restart-policy.ts";
import { verifyResources } from "./verify-resources.ts";

/** Fields an update replaces when they are set; zero and empty mean "as before". */
const replaced = [
  "BlkioWeight",
  "CpuShares",
  "NanoCpus",
  "CpuPeriod",
  "CpuQuota",
  "CpusetCpus",
  "CpusetMems",
  "Memory",
  "MemorySwap",
  "MemoryReservation",
  "KernelMemory",
  "KernelMemoryTCP",
  "CpuRealtimePeriod",
  "CpuRealtimeRuntime",
  "PidsLimit",
] as const;

/** The container's `HostConfig` after an update, and warnings; throws when the change contradicts itself or what is set already. */
export function applyUpdate(
  current: HostConfig,
  update: ContainerUpdateConfig,
  facts: HostFacts,
  leastMemory?: number,
): { hostConfig: HostConfig; warnings: string[] } {
  const {
    RestartPolicy,
    Env: _env,
    Label: _label,
    DiskQuota: quota,
    SpecAnnotation: _annotation,
    ...resources
  } = structuredClone(update);
  if (Object.keys(quota ?? {}).length > 0) throw notImplemented("DiskQuota is not supported");
  const warnings = verifyResources(resources, facts, true, leastMemory);
  if (RestartPolicy?.Name) verifyRestartPolicy(RestartPolicy, false);
  refuseConflicts(current, resources);

  const { Memory = 0, MemorySwap = 0 } = resources;
  if (Memory > 0 && MemorySwap === 0 && Memory > (current.MemorySwap ?? 0) && current.MemorySwap !== -1)
    throw conflict("Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time");

  const hostConfig: HostConfig = { ...current };
  for (const field of replaced) if (resources[field]) Object.assign(hostConfig, { [field]: resources[field] });
  // Here 0 is a value: it takes the limit away.
  if (resources.PidsLimit !== undefined) hostConfig.PidsLimit = resources.PidsLimit;
  if (RestartPolicy?.Name) {
    if (current.AutoRemove && !isNoRestart(RestartPolicy))
      throw conflict("Restart policy cannot be updated because AutoRemove is enabled for the container");
    hostConfig.RestartPolicy = { Name: RestartPolicy.Name, MaximumRetryCount: RestartPolicy.MaximumRetryCount ?? 0 };
  }
  const { Memory: limit = 0, MemorySwap: swap = 0 } = hostConfig;
  if (limit > 0 && swap > 0 && swap < limit)
    throw invalidArgument("Minimum memoryswap limit should be larger than memory limit, see usage");
  return { hostConfig, warnings };
}

/** `NanoCpus` and period/quota are two ways to write one limit: once one is set, the other cannot be. */
function refuseConflicts(current: HostConfig, update: HostConfig): void {
  const refuse = (what: string, by: string): never => {
    throw conflict(`Conflicting options: ${what} cannot be updated as ${by} has already been set`);
  };
  if (update.NanoCpus && current.CpuPeriod) refuse("Nano CPUs", "CPU Period");
  if (update.NanoCpus && current.CpuQuota) refuse("Nano CPUs", "CPU Quota");
  if (update.CpuPeriod && current.NanoCpus) refuse("CPU Period", "NanoCPUs");
  if (update.CpuQuota && current.NanoCpus) refuse("CPU Quota", "NanoCPUs");
}
