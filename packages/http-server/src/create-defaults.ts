import type { ContainerCreateConfig } from "@pouchcontainer/api";
import { isBelow } from "./api-version.ts";

/** What older clients count on at create and newer ones ask for by name; fields a client's version does not have are dropped. */
export function applyVersionToCreate(config: ContainerCreateConfig, version: string): void {
  const host = config.HostConfig;
  if (isBelow(version, "1.40")) {
    delete host.KernelMemoryTCP;
    if (!host.IpcMode) host.IpcMode = "shareable";
  }
  if (isBelow(version, "1.41") && !host.CgroupnsMode) host.CgroupnsMode = "host";
  if (isBelow(version, "1.42")) delete host.ConsoleSize;
  if (isBelow(version, "1.43")) delete host.Annotations;
  if (isBelow(version, "1.44")) delete config.Healthcheck?.StartInterval;
  for (const mount of host.Mounts ?? []) {
    if (isBelow(version, "1.40")) delete mount.BindOptions?.NonRecursive;
    if (isBelow(version, "1.44")) {
      delete mount.BindOptions?.ReadOnlyNonRecursive;
      delete mount.BindOptions?.ReadOnlyForceRecursive;
    }
    if (isBelow(version, "1.45")) delete mount.VolumeOptions?.Subpath;
  }
}
