import { Type, type Static } from "typebox";
import { ContainerSummary } from "./containers.ts";
import { ImageSummary } from "./images.ts";
import { flag, integer, list, map, nullable, optional, text } from "./wire-types.ts";
import { Volume } from "./volumes.ts";

/** A part of the engine and its version. */
export const ComponentVersion = Type.Object({ Name: text(), Version: text(), Details: optional(map(text())) });
export type ComponentVersion = Static<typeof ComponentVersion>;

/** Answer to `version`. */
export const SystemVersion = Type.Object({
  Platform: optional(Type.Object({ Name: text() })),
  Components: optional(list(ComponentVersion)),
  Version: text(),
  ApiVersion: text(),
  MinAPIVersion: optional(text()),
  GitCommit: text(),
  GoVersion: text("Docker's clients print it; the version of our runtime"),
  Os: text(),
  Arch: text(),
  KernelVersion: optional(text()),
  Experimental: optional(flag()),
  BuildTime: optional(text()),
});
export type SystemVersion = Static<typeof SystemVersion>;

/** A registry the daemon knows of. */
export const IndexInfo = Type.Object({ Name: text(), Mirrors: nullable(list(text())), Secure: flag(), Official: flag() });
export type IndexInfo = Static<typeof IndexInfo>;

/** Registries and how they are reached. */
export const RegistryServiceConfig = Type.Object({
  AllowNondistributableArtifactsCIDRs: optional(nullable(list(text()))),
  AllowNondistributableArtifactsHostnames: optional(nullable(list(text()))),
  InsecureRegistryCIDRs: list(text()),
  IndexConfigs: map(IndexInfo),
  Mirrors: nullable(list(text())),
});
export type RegistryServiceConfig = Static<typeof RegistryServiceConfig>;

/** A low-level runtime containers can be run with. */
export const RuntimeInfo = Type.Object({
  path: optional(text()),
  runtimeArgs: optional(nullable(list(text()))),
  runtimeType: optional(text()),
  options: optional(map(Type.Unknown())),
  status: optional(map(text())),
});
export type RuntimeInfo = Static<typeof RuntimeInfo>;

/** Version of an external program. */
export const Commit = Type.Object({ ID: text(), Expected: optional(text()) });
export type Commit = Static<typeof Commit>;

/** Answer to `info`. */
export const SystemInfo = Type.Object({
  ID: text(),
  Containers: integer(),
  ContainersRunning: integer(),
  ContainersPaused: integer(),
  ContainersStopped: integer(),
  Images: integer(),
  Driver: text(),
  DriverStatus: nullable(list(list(text()))),
  SystemStatus: optional(nullable(list(list(text())))),
  Plugins: Type.Object({
    Volume: list(text()),
    Network: list(text()),
    Authorization: nullable(list(text())),
    Log: list(text()),
  }),
  MemoryLimit: flag(),
  SwapLimit: flag(),
  KernelMemory: optional(flag()),
  KernelMemoryTCP: optional(flag()),
  CpuCfsPeriod: flag(),
  CpuCfsQuota: flag(),
  CPUShares: flag(),
  CPUSet: flag(),
  PidsLimit: flag(),
  IPv4Forwarding: flag(),
  BridgeNfIptables: optional(flag()),
  BridgeNfIp6tables: optional(flag()),
  Debug: flag(),
  NFd: integer("Open file descriptors"),
  OomKillDisable: flag(),
  NGoroutines: integer("Docker's goroutines; 0 here"),
  SystemTime: text("RFC 3339 with nanoseconds"),
  LoggingDriver: text(),
  CgroupDriver: text("cgroupfs or systemd"),
  CgroupVersion: optional(text("1 or 2")),
  NEventsListener: integer(),
  KernelVersion: text(),
  OperatingSystem: text(),
  OSVersion: text(),
  OSType: text(),
  Architecture: text(),
  IndexServerAddress: text(),
  RegistryConfig: nullable(RegistryServiceConfig),
  NCPU: integer(),
  MemTotal: integer("Bytes"),
  GenericResources: optional(nullable(list(Type.Unknown()))),
  DockerRootDir: text(),
  HttpProxy: text(),
  HttpsProxy: text(),
  NoProxy: text(),
  Name: text("Name of the host"),
  Labels: list(text()),
  ExperimentalBuild: flag(),
  ServerVersion: text(),
  Runtimes: map(RuntimeInfo),
  DefaultRuntime: text(),
  Swarm: Type.Object({
    NodeID: text(),
    NodeAddr: text(),
    LocalNodeState: text(),
    ControlAvailable: flag(),
    Error: text(),
    RemoteManagers: nullable(list(Type.Unknown())),
  }),
  LiveRestoreEnabled: flag(),
  Isolation: text(),
  InitBinary: text(),
  ContainerdCommit: Commit,
  RuncCommit: Commit,
  InitCommit: Commit,
  SecurityOptions: list(text()),
  ProductLicense: optional(text()),
  DefaultAddressPools: optional(list(Type.Object({ Base: text(), Size: integer() }))),
  CDISpecDirs: optional(list(text())),
  Containerd: optional(Type.Object({ Address: text(), Namespaces: Type.Object({ Containers: text(), Plugins: text() }) })),
  Warnings: nullable(list(text())),
});
export type SystemInfo = Static<typeof SystemInfo>;

/** What a container, image, volume or build cache takes of the disk. */
export const DiskUsage = Type.Object({
  LayersSize: optional(integer("Bytes")),
  Images: optional(nullable(list(ImageSummary))),
  Containers: optional(nullable(list(ContainerSummary))),
  Volumes: optional(nullable(list(Volume))),
  BuildCache: optional(nullable(list(Type.Unknown()))),
  BuilderSize: optional(integer("Until 1.41")),
});
export type DiskUsage = Static<typeof DiskUsage>;

/** What a prune of the build cache removed: nothing, since there is no builder. */
export const BuildPruneResponse = Type.Object({
  CachesDeleted: nullable(list(text())),
  SpaceReclaimed: integer("Bytes"),
});
export type BuildPruneResponse = Static<typeof BuildPruneResponse>;

/** Body of every error answer. */
export const ErrorResponse = Type.Object({ message: text() });
export type ErrorResponse = Static<typeof ErrorResponse>;

/** A container that the daemon found without a record of its own in the store. */
export const Orphan = Type.Object({
  Id: text(),
  Name: text("Empty where no record lies beside it"),
  Image: text("Empty where no record lies beside it"),
  Created: text("RFC 3339; empty where no record lies beside it"),
  State: text("Of its processes, as containerd says it: running, paused, stopped; none without any"),
  Snapshotter: text("Where the files are that it wrote; empty without any"),
  Adoptable: flag("A record lies beside it: it can be made a container again"),
});
export type Orphan = Static<typeof Orphan>;
