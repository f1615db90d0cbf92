import type { ContainerConfig, ContainerCreateConfig, HostConfig, NetworkingConfig } from "@pouchcontainer/api";
import { invalidArgument, isKind } from "@pouchcontainer/errors";
import type { ResolvedImage } from "../../images/image-source.ts";
import { refuseNul } from "../../refuse-nul.ts";
import type { HostFacts } from "../spec/host-facts.ts";
import { containerOfMode } from "../spec/namespaces.ts";
import type { ConfigSettings, ReferencedContainer } from "./config-settings.ts";
import { resolveLinks, type LegacyLink } from "./legacy-links.ts";
import { namedInRequest } from "./missing-reference.ts";
import { mergeImageConfig } from "./merge-image-config.ts";
import { verifyContainerConfig } from "./verify-container-config.ts";
import { verifyHostConfig } from "./verify-host-config.ts";
import { normaliseLogConfig } from "./verify-log-config.ts";
import { verifyNetworkMode } from "./verify-network-mode.ts";
import { verifyPorts } from "./verify-ports.ts";
import { verifyResources } from "./verify-resources.ts";

export interface VerifiedCreate {
  config: ContainerConfig;
  hostConfig: HostConfig;
  networkingConfig: NetworkingConfig;
  warnings: string[];
}

export interface NormalisedCreate extends VerifiedCreate {
  links: LegacyLink[];
  path: string;
  args: string[];
}

/**
 * First half, before the image is looked up (a bad request is refused even when the image is missing, as dockerd does):
 * checks everything that does not need the image and drops, with a warning, what this host cannot do. The request is not
 * changed.
 */
export function verifyCreate(request: ContainerCreateConfig, facts: HostFacts, settings: ConfigSettings): VerifiedCreate {
  refuseNul(request);
  const {
    HostConfig: requestedHost,
    NetworkingConfig: networking,
    Name: _name,
    Platform: _platform,
    Snapshotter: _snapshotter,
    SpecificID,
    ...config
  } = request;
  if (Object.keys(config).length === 0) throw invalidArgument("Config cannot be empty in order to create a container");
  if (SpecificID !== undefined && SpecificID !== "" && !/^[0-9a-f]{64}$/.test(SpecificID))
    throw invalidArgument(`Invalid container id (${SpecificID}), it must be 64 characters of 0-9a-f`);
  // Fields are replaced, and none is changed in place: a copy of all that a body may hold takes long.
  const hostConfig: HostConfig = { ...requestedHost };

  verifyNetworkMode(config, hostConfig);
  verifyContainerConfig(config);
  verifyPorts(hostConfig.PortBindings ?? {}, Object.keys(config.ExposedPorts ?? {}));
  hostConfig.LogConfig = normaliseLogConfig(hostConfig.LogConfig, settings);
  // 0 and -1 both say "unlimited", which a fresh container is anyway.
  if (hostConfig.PidsLimit !== undefined && hostConfig.PidsLimit <= 0) delete hostConfig.PidsLimit;
  const warnings = [
    ...verifyHostConfig(hostConfig, facts, settings),
    ...verifyResources(hostConfig, facts, false, settings.leastMemoryBytes),
  ];
  return { config, hostConfig, networkingConfig: networking ?? {}, warnings };
}

export interface NormaliseInput {
  verified: VerifiedCreate;
  id: string;
  image: Pick<ResolvedImage, "config">;
  facts: HostFacts;
  settings: ConfigSettings;
  /** Finds a container by name or id; throws `notFound` as inspect does. */
  container: (ref: string) => ReferencedContainer;
}

/** Second half: the image's configuration merged in and every default written down, so that no reader applies one again. */
export function normaliseCreate(input: NormaliseInput): NormalisedCreate {
  const { verified, id, image, facts, settings } = input;
  const hostConfig = withHostDefaults(verified.hostConfig, facts, settings);
  hostConfig.NetworkMode = joinedNetwork(hostConfig.NetworkMode ?? "", input);
  hostConfig.PidMode = joined(hostConfig.PidMode ?? "", input);
  hostConfig.IpcMode = joined(hostConfig.IpcMode ?? "", input);
  const links = isUserDefined(hostConfig.NetworkMode) ? [] : linksOf(hostConfig.Links ?? [], input);
  // Kept as what they mean; inspect shows them in the names of the day.
  delete hostConfig.Links;
  const config = withConfigDefaults(mergeImageConfig(verified.config, image.config));
  if (!config.Hostname) Object.assign(config, hostNames(hostConfig.NetworkMode, id, input));

  const [path = "", ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  return { config, hostConfig, networkingConfig: verified.networkingConfig, warnings: verified.warnings, links, path, args };
}

/** Who shares another container's network has its names too, from the start on: that one may not be there yet. */
function hostNames(
  networkMode: string,
  id: string,
  { settings }: NormaliseInput,
): Pick<ContainerConfig, "Hostname" | "Domainname"> {
  if (networkMode === "host") return { Hostname: settings.hostname, Domainname: settings.domainname };
  return { Hostname: id.slice(0, 12) };
}

/** A mode that names a container by name is kept by id: names can change hands. */
function joined(mode: string, { container }: NormaliseInput): string {
  const ref = containerOfMode(mode);
  return ref === undefined ? mode : `container:${namedInRequest(() => container(ref)).id}`;
}

/** As `joined`, but the start is early enough for the other to be there: who is not yet is asked for by name then. */
function joinedNetwork(mode: string, { container }: NormaliseInput): string {
  const ref = containerOfMode(mode);
  if (ref === undefined) return mode;
  try {
    return `container:${container(ref).id}`;
  } catch (error) {
    if (isKind(error, "notFound")) return mode;
    throw error;
  }
}

/** Whoever shares the network of another is linked to where that one is. */
function linksOf(links: readonly string[], { container }: NormaliseInput): LegacyLink[] {
  return resolveLinks(links, (ref) => {
    let target = container(ref);
    for (let owner; (owner = containerOfMode(target.networkMode)) !== undefined;) target = container(owner);
    if (target.networkMode === "host")
      throw invalidArgument(
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
      );
    return target;
  });
}

function isUserDefined(networkMode: string): boolean {
  return !["bridge", "none", "host"].includes(networkMode) && containerOfMode(networkMode) === undefined;
}

/** Stream fields the CLI leaves out for `create` are false, everything else Docker's zero value. */
function withConfigDefaults(config: ContainerConfig): ContainerConfig {
  return {
    ...config,
    Hostname: config.Hostname ?? "",
    Domainname: config.Domainname ?? "",
    User: config.User ?? "",
    AttachStdin: config.AttachStdin ?? false,
    AttachStdout: config.AttachStdout ?? false,
    AttachStderr: config.AttachStderr ?? false,
    Tty: config.Tty ?? false,
    OpenStdin: config.OpenStdin ?? false,
    StdinOnce: config.StdinOnce ?? false,
    Image: config.Image ?? "",
    WorkingDir: config.WorkingDir ?? "",
    Labels: config.Labels ?? {},
  };
}

const maskedPaths = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

function withHostDefaults(requested: HostConfig, facts: HostFacts, settings: ConfigSettings): HostConfig {
  const hostConfig = { ...requested };
  const { Memory = 0, MemorySwap = 0 } = hostConfig;
  if (Memory > 0 && MemorySwap === 0) hostConfig.MemorySwap = Memory * 2;
  if (facts.cgroup.oomKillDisable) hostConfig.OomKillDisable ??= false;
  if (!hostConfig.NetworkMode || hostConfig.NetworkMode === "default") hostConfig.NetworkMode = "bridge";
  if (hostConfig.PidMode === "private") hostConfig.PidMode = "";
  hostConfig.IpcMode ||= settings.defaultIpcMode;
  hostConfig.CgroupnsMode ||= cgroupnsMode(hostConfig, facts, settings);
  hostConfig.ShmSize ||= settings.defaultShmSize;
  hostConfig.Runtime ||= settings.defaultRuntime;
  hostConfig.RestartPolicy = {
    Name: hostConfig.RestartPolicy?.Name || "no",
    MaximumRetryCount: hostConfig.RestartPolicy?.MaximumRetryCount ?? 0,
  };
  if (!hostConfig.Privileged) {
    hostConfig.MaskedPaths ??= maskedPaths;
    hostConfig.ReadonlyPaths ??= readonlyPaths;
  }
  if (hostConfig.PortBindings) hostConfig.PortBindings = withPlaces(hostConfig.PortBindings);
  if (Object.keys(hostConfig.Annotations ?? {}).length === 0) delete hostConfig.Annotations;
  return hostConfig;
}

function withPlaces(bindings: NonNullable<HostConfig["PortBindings"]>): NonNullable<HostConfig["PortBindings"]> {
  return Object.fromEntries(
    Object.entries(bindings).map(([port, places]) => [
      port,
      (places ?? []).map(({ HostIp = "", HostPort = "" }) => ({ HostIp, HostPort })),
    ]),
  );
}

/** On v1 a privileged container sees the host's tree: tools in it manage cgroups there. */
function cgroupnsMode(hostConfig: HostConfig, facts: HostFacts, settings: ConfigSettings): "private" | "host" {
  const unified = facts.cgroup.version === 2;
  if (hostConfig.Privileged && !unified) return "host";
  return settings.defaultCgroupnsMode || (unified ? "private" : "host");
}
