import type { ContainerCreateConfig, Mount } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { isBelow } from "./api-version.ts";

/** What older clients count on at create and newer ones ask for by name; fields a client's version does not have are dropped. */
export function applyVersionToCreate(config: ContainerCreateConfig, version: string): void {
  const host = config.HostConfig;
  // The client removed it itself.
  if (isBelow(version, "1.25")) delete host.AutoRemove;
  if (isBelow(version, "1.40")) {
    delete host.KernelMemoryTCP;
    if (!host.IpcMode) host.IpcMode = "shareable";
  }
  if (isBelow(version, "1.41") && !host.CgroupnsMode) host.CgroupnsMode = "host";
  if (isBelow(version, "1.42")) delete host.ConsoleSize;
  else delete host.KernelMemory;
  if (isBelow(version, "1.43")) delete host.Annotations;
  if (isBelow(version, "1.44")) {
    delete config.Healthcheck?.StartInterval;
    refuseSeveralNetworks(config);
  }
  for (const mount of host.Mounts ?? []) applyVersionToMount(mount, version);
}

function refuseSeveralNetworks({ NetworkingConfig: networking }: ContainerCreateConfig): void {
  const names = Object.keys(networking?.EndpointsConfig ?? {});
  if (names.length > 1) throw invalidArgument(`Container cannot be created with multiple network endpoints: ${names.join(", ")}`);
}

function applyVersionToMount(mount: Mount, version: string): void {
  const { BindOptions: bind, VolumeOptions: volume } = mount;
  if (isBelow(version, "1.40")) delete bind?.NonRecursive;
  if (isBelow(version, "1.42")) {
    delete bind?.CreateMountpoint;
    // Nobody looked at options of another type.
    if (mount.Type !== "volume") delete mount.VolumeOptions;
    if (mount.Type !== "tmpfs") delete mount.TmpfsOptions;
  }
  if (isBelow(version, "1.44")) {
    delete bind?.ReadOnlyNonRecursive;
    if (bind?.ReadOnlyForceRecursive) throw invalidArgument("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer");
  }
  if (isBelow(version, "1.45") && volume?.Subpath) throw invalidArgument("VolumeOptions.Subpath needs API v1.45 or newer");
}
