import { Type, type Static } from "typebox";
import { ContainerConfig } from "./container-config.ts";
import { HostConfig, RestartPolicy } from "./host-config.ts";
import { MountPoint } from "./mounts.ts";
import { EndpointSettings, NetworkingConfig, NetworkSettings } from "./network-settings.ts";
import { Resources } from "./resources.ts";
import { flag, integer, list, map, nullable, oneOf, optional, text, unsigned } from "./wire-types.ts";
import { PluginTraceEntry } from "./plugin-calls.ts";

/**
 * Body of a create: Docker's flat form (configuration at the top, `HostConfig` and `NetworkingConfig` beside it) with
 * PouchContainer's own fields. `Name` and `Platform` travel in the query over HTTP and are put here by the server. This is
 * also what the plugin points `container.preCreate` and `cri.preCreateContainer` see.
 */
export const ContainerCreateConfig = Type.Object({
  ...ContainerConfig.properties,
  HostConfig: Type.Object(HostConfig.properties, { default: {} }),
  NetworkingConfig: optional(NetworkingConfig),
  Name: optional(text("Name of the container; empty makes one up")),
  Platform: optional(text("os[/arch[/variant]] of the image")),
  Snapshotter: optional(text("PouchContainer: containerd's snapshotter for the root file system")),
  SpecificID: optional(text("PouchContainer: id to use, 64 characters of 0-9a-f")),
});
export type ContainerCreateConfig = Static<typeof ContainerCreateConfig>;

/** Answer to a create. */
export const ContainerCreateResponse = Type.Object({
  Id: text(),
  Name: optional(text("PouchContainer")),
  Warnings: list(text()),
});
export type ContainerCreateResponse = Static<typeof ContainerCreateResponse>;

/** Body of an update: limits, restart policy, and PouchContainer's additions. What is absent or zero stays. */
export const ContainerUpdateConfig = Type.Object({
  ...Resources.properties,
  RestartPolicy: optional(RestartPolicy),
  Env: optional(list(text(), "PouchContainer: `NAME=value` sets, `NAME` alone removes")),
  Label: optional(list(text(), "PouchContainer: `key=value`")),
  DiskQuota: optional(map(text(), "PouchContainer: as at create")),
  SpecAnnotation: optional(map(text(), "PouchContainer: as at create")),
});
export type ContainerUpdateConfig = Static<typeof ContainerUpdateConfig>;

/** Answer to an update. */
export const ContainerUpdateResponse = Type.Object({ Warnings: nullable(list(text())) });
export type ContainerUpdateResponse = Static<typeof ContainerUpdateResponse>;

/** Result of one health check. */
export const HealthcheckResult = Type.Object({ Start: text(), End: text(), ExitCode: integer(), Output: text() });
export type HealthcheckResult = Static<typeof HealthcheckResult>;

/** Health of a container and its last checks. */
export const Health = Type.Object({
  Status: oneOf("none", "starting", "healthy", "unhealthy"),
  FailingStreak: integer(),
  Log: list(HealthcheckResult),
});
export type Health = Static<typeof Health>;

/** Words for what a container is doing. */
export const ContainerStatus = oneOf("created", "running", "paused", "restarting", "removing", "exited", "dead");
export type ContainerStatus = Static<typeof ContainerStatus>;

/** State of a container in its inspect. Times are RFC 3339 with nanoseconds; `0001-01-01T00:00:00Z` is never. */
export const ContainerState = Type.Object({
  Status: ContainerStatus,
  Running: flag(),
  Paused: flag(),
  Restarting: flag(),
  OOMKilled: flag(),
  Dead: flag(),
  Pid: integer(),
  ExitCode: integer(),
  Error: text(),
  StartedAt: text(),
  FinishedAt: text(),
  Health: optional(Health),
});
export type ContainerState = Static<typeof ContainerState>;

/** How the storage of a container or image is kept. */
export const GraphDriver = Type.Object({ Name: text(), Data: nullable(map(text())) });
export type GraphDriver = Static<typeof GraphDriver>;

/** A platform descriptor of an OCI manifest. */
export const Platform = Type.Object({
  architecture: optional(text()),
  os: optional(text()),
  "os.version": optional(text()),
  "os.features": optional(list(text())),
  variant: optional(text()),
});
export type Platform = Static<typeof Platform>;

/** An OCI descriptor. */
export const Descriptor = Type.Object({
  mediaType: optional(text()),
  digest: optional(text()),
  size: optional(integer()),
  urls: optional(list(text())),
  annotations: optional(map(text())),
  platform: optional(Platform),
  artifactType: optional(text()),
});
export type Descriptor = Static<typeof Descriptor>;

/** Everything about one container. */
export const ContainerInspect = Type.Object({
  Id: text(),
  Created: text("RFC 3339 with nanoseconds"),
  Path: text(),
  Args: list(text()),
  State: ContainerState,
  Image: text("Id of the image, sha256:…"),
  ResolvConfPath: text(),
  HostnamePath: text(),
  HostsPath: text(),
  LogPath: text(),
  Name: text("With a leading slash"),
  RestartCount: integer(),
  Driver: text(),
  Platform: text(),
  MountLabel: text(),
  ProcessLabel: text(),
  AppArmorProfile: text(),
  ExecIDs: nullable(list(text())),
  HostConfig: HostConfig,
  GraphDriver: GraphDriver,
  ImageManifestDescriptor: optional(Descriptor),
  SizeRw: optional(integer()),
  SizeRootFs: optional(integer()),
  Mounts: list(MountPoint),
  Config: ContainerConfig,
  NetworkSettings: NetworkSettings,
  Snapshotter: optional(text("PouchContainer: snapshotter of the root file system")),
  PluginCalls: optional(
    list(PluginTraceEntry, "PouchContainer: calls of plugins that concerned the container, environment values masked"),
  ),
});
export type ContainerInspect = Static<typeof ContainerInspect>;

/** A port in the list of containers. */
export const PortSummary = Type.Object({
  IP: optional(text()),
  PrivatePort: unsigned(),
  PublicPort: optional(unsigned()),
  Type: text("tcp, udp or sctp"),
});
export type PortSummary = Static<typeof PortSummary>;

/** One entry of the list of containers. */
export const ContainerSummary = Type.Object({
  Id: text(),
  Names: list(text()),
  Image: text("As given at create, or the id where that name means another image now"),
  ImageID: text(),
  ImageManifestDescriptor: optional(Descriptor),
  Command: text(),
  Created: integer("Seconds since the epoch"),
  Ports: list(PortSummary),
  SizeRw: optional(integer()),
  SizeRootFs: optional(integer()),
  Labels: map(text()),
  State: text(),
  Status: text("For people: Up 5 minutes (healthy)"),
  HostConfig: Type.Object({ NetworkMode: optional(text()), Annotations: optional(map(text())) }),
  NetworkSettings: Type.Object({ Networks: map(EndpointSettings) }),
  Mounts: list(MountPoint),
});
export type ContainerSummary = Static<typeof ContainerSummary>;

/** How a waited for container ended. */
export const ContainerWaitResponse = Type.Object({
  StatusCode: integer(),
  Error: optional(nullable(Type.Object({ Message: optional(text()) }))),
});
export type ContainerWaitResponse = Static<typeof ContainerWaitResponse>;

/** Processes of a container as `ps` prints them. */
export const ContainerTopResponse = Type.Object({ Titles: list(text()), Processes: list(list(text())) });
export type ContainerTopResponse = Static<typeof ContainerTopResponse>;

/** A changed path: 0 modified, 1 added, 2 deleted. */
export const FilesystemChange = Type.Object({
  Kind: Type.Union([Type.Literal(0), Type.Literal(1), Type.Literal(2)]),
  Path: text(),
});
export type FilesystemChange = Static<typeof FilesystemChange>;

/** What a path in a container is; travels base64 encoded in `X-Docker-Container-Path-Stat`. `mode` is Go's `fs.FileMode`. */
export const ContainerPathStat = Type.Object({
  name: text(),
  size: integer(),
  mode: unsigned(),
  mtime: text(),
  linkTarget: text(),
});
export type ContainerPathStat = Static<typeof ContainerPathStat>;

/** What a prune of containers removed. */
export const ContainerPruneResponse = Type.Object({
  ContainersDeleted: nullable(list(text())),
  SpaceReclaimed: integer("Bytes"),
});
export type ContainerPruneResponse = Static<typeof ContainerPruneResponse>;
