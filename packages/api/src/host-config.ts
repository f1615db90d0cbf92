import { Type, type Static } from "typebox";
import { Mount } from "./mounts.ts";
import { Resources } from "./resources.ts";
import { flag, integer, list, map, optional, text, unsigned } from "./wire-types.ts";

/** Driver of a container's log and its options. */
export const LogConfig = Type.Object({ Type: optional(text()), Config: optional(map(text())) });
export type LogConfig = Static<typeof LogConfig>;

/** When the daemon starts a container again: ``, `no`, `always`, `unless-stopped`, `on-failure`. */
export const RestartPolicy = Type.Object({ Name: optional(text()), MaximumRetryCount: optional(integer()) });
export type RestartPolicy = Static<typeof RestartPolicy>;

/** Where a published port is reached on the host. An empty `HostPort` is a random one. */
export const PortBinding = Type.Object({ HostIp: optional(text()), HostPort: optional(text()) });
export type PortBinding = Static<typeof PortBinding>;

/** Container port (`80/tcp`) to places on the host. */
export const PortMap = map(list(PortBinding));
export type PortMap = Static<typeof PortMap>;

/** The part of a container that depends on the host. */
export const HostConfig = Type.Object({
  ...Resources.properties,
  Binds: optional(list(text(), "`source:destination[:options]`, the source an absolute path or a volume's name")),
  ContainerIDFile: optional(text()),
  LogConfig: optional(LogConfig),
  NetworkMode: optional(text("bridge, host, none, container:<name or id>, default, or a network's name")),
  PortBindings: optional(PortMap),
  RestartPolicy: optional(RestartPolicy),
  AutoRemove: optional(flag()),
  VolumeDriver: optional(text()),
  VolumesFrom: optional(list(text(), "`container[:ro|rw]`")),
  ConsoleSize: optional(Type.Array(unsigned(), { minItems: 2, maxItems: 2, description: "[height, width]" })),
  Annotations: optional(map(text())),
  Mounts: optional(list(Mount)),
  CapAdd: optional(list(text())),
  CapDrop: optional(list(text())),
  CgroupnsMode: optional(text("private or host")),
  Dns: optional(list(text())),
  DnsOptions: optional(list(text())),
  DnsSearch: optional(list(text())),
  ExtraHosts: optional(list(text(), "`name:address`")),
  GroupAdd: optional(list(text())),
  IpcMode: optional(text("none, private, shareable, host or container:<name or id>")),
  Cgroup: optional(text()),
  Links: optional(list(text(), "`container:alias`")),
  OomScoreAdj: optional(integer("-1000 to 1000")),
  PidMode: optional(text("host or container:<name or id>")),
  Privileged: optional(flag()),
  PublishAllPorts: optional(flag()),
  ReadonlyRootfs: optional(flag()),
  SecurityOpt: optional(list(text())),
  StorageOpt: optional(map(text())),
  Tmpfs: optional(map(text(), "Path in the container to mount options")),
  UTSMode: optional(text("host or empty")),
  UsernsMode: optional(text("host or empty")),
  ShmSize: optional(integer("Bytes of /dev/shm")),
  Sysctls: optional(map(text())),
  Runtime: optional(text()),
  Isolation: optional(text("Windows only")),
  MaskedPaths: optional(list(text(), "Absent is the default list, [] masks nothing")),
  ReadonlyPaths: optional(list(text(), "Absent is the default list, [] protects nothing")),
  Init: optional(flag("Run an init as the first process")),
  RuntimeType: optional(text("PouchContainer: containerd's runtime type, for example io.containerd.runc.v2")),
  EnableLxcfs: optional(flag("PouchContainer: show the container's own limits in /proc through lxcfs")),
  Rich: optional(flag("PouchContainer: as in the container's configuration")),
  RichMode: optional(text("PouchContainer: as in the container's configuration")),
  InitScript: optional(text("PouchContainer: as in the container's configuration")),
});
export type HostConfig = Static<typeof HostConfig>;
