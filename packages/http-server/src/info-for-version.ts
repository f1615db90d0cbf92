import type { SystemInfo } from "@pouchcontainer/api";
import { isBelow } from "./api-version.ts";

/** What the daemon says of itself as clients of that version know it. */
export function infoForVersion(info: SystemInfo, version: string): SystemInfo {
  const known = { ...info };
  if (isBelow(version, "1.25")) known.SecurityOptions = info.SecurityOptions.map(nameOfOption);
  else if (!isBelow(version, "1.42")) delete known.KernelMemory;
  if (isBelow(version, "1.46")) delete known.Containerd;
  if (!isBelow(version, "1.47") && info.RegistryConfig) known.RegistryConfig = withoutNondistributable(info.RegistryConfig);
  if (!isBelow(version, "1.49")) {
    for (const commit of ["ContainerdCommit", "RuncCommit", "InitCommit"] as const) known[commit] = { ID: info[commit].ID };
  }
  if (!isBelow(version, "1.50")) {
    delete known.BridgeNfIptables;
    delete known.BridgeNfIp6tables;
  }
  return known;
}

/** `name=seccomp,profile=default` was just `seccomp`. */
function nameOfOption(option: string): string {
  return /^name=([^,]*)/.exec(option)?.[1] ?? option;
}

type Registries = NonNullable<SystemInfo["RegistryConfig"]>;

function withoutNondistributable(config: Registries): Registries {
  const { AllowNondistributableArtifactsCIDRs: _networks, AllowNondistributableArtifactsHostnames: _hosts, ...rest } = config;
  return rest;
}
