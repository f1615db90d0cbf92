import type { ContainerConfig, HostConfig } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";

/** Options that contradict the network or host name mode, in Docker's words. */
export function verifyNetworkMode(config: ContainerConfig, hostConfig: HostConfig): void {
  const mode = hostConfig.NetworkMode ?? "";
  const joins = mode === "container" || mode.startsWith("container:");
  const conflict = (text: string): Error => invalidArgument(`conflicting options: ${text}`);

  if (joins) {
    if (mode.split(":")[1] === undefined || mode.split(":")[1] === "")
      throw invalidArgument("Invalid network mode: invalid container format container:<name|id>");
    if (config.Hostname) throw conflict("hostname and the network mode");
    if (any(hostConfig.Links))
      throw conflict("container type network can't be used with links. This would result in undefined behavior");
    if (any(hostConfig.Dns)) throw conflict("dns and the network mode");
    if (any(hostConfig.ExtraHosts)) throw conflict("custom host-to-IP mapping and the network mode");
    if (Object.keys(hostConfig.PortBindings ?? {}).length > 0 || hostConfig.PublishAllPorts)
      throw conflict("port publishing and the container type network mode");
    if (Object.keys(config.ExposedPorts ?? {}).length > 0) throw conflict("port exposing and the container type network mode");
  }
  if ((joins || mode === "host") && config.MacAddress) throw conflict("mac-address and the network mode");
  if (hostConfig.UTSMode === "host" && config.Hostname) throw conflict("hostname and the UTS mode");
  if (mode === "host" && any(hostConfig.Links))
    throw conflict("host type networking can't be used with links. This would result in undefined behavior");
}

const any = (list: readonly unknown[] | undefined): boolean => (list ?? []).length > 0;
