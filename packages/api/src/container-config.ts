import { Type, type Static } from "typebox";
import { flag, integer, list, map, optional, set, text, words } from "./wire-types.ts";

/** How the daemon finds out whether a container is healthy. Durations are nanoseconds; zero inherits. */
export const HealthConfig = Type.Object({
  Test: optional(list(text(), '[] inherits, ["NONE"] switches off, ["CMD", …] runs, ["CMD-SHELL", command] runs in a shell')),
  Interval: optional(integer("Nanoseconds")),
  Timeout: optional(integer("Nanoseconds")),
  StartPeriod: optional(integer("Nanoseconds")),
  StartInterval: optional(integer("Nanoseconds")),
  Retries: optional(integer()),
});
export type HealthConfig = Static<typeof HealthConfig>;

/** The part of a container that does not depend on the host, Docker's fields first, PouchContainer's own after them. */
export const ContainerConfig = Type.Object({
  Hostname: optional(text()),
  Domainname: optional(text()),
  User: optional(text("Name or number, with or without a group: user, uid, user:group")),
  AttachStdin: optional(flag()),
  AttachStdout: optional(flag()),
  AttachStderr: optional(flag()),
  ExposedPorts: optional(set("Ports as `80/tcp`")),
  Tty: optional(flag()),
  OpenStdin: optional(flag()),
  StdinOnce: optional(flag("Close stdin after the first client that had it goes")),
  Env: optional(list(text(), "`NAME=value`; a name alone removes the variable of the image")),
  Cmd: optional(words()),
  Healthcheck: optional(HealthConfig),
  ArgsEscaped: optional(flag("Windows only")),
  Image: optional(text()),
  Volumes: optional(set("Paths in the container that get a volume")),
  WorkingDir: optional(text()),
  Entrypoint: optional(words('[""] resets the entry point of the image')),
  NetworkDisabled: optional(flag()),
  MacAddress: optional(text("Deprecated since 1.44: use the endpoint's")),
  OnBuild: optional(list(text())),
  Labels: optional(map(text())),
  StopSignal: optional(text("Name or number")),
  StopTimeout: optional(integer("Seconds")),
  Shell: optional(words()),
  DisableNetworkFiles: optional(flag("PouchContainer: leave /etc/hostname, /etc/hosts and /etc/resolv.conf of the image alone")),
  Rich: optional(flag("PouchContainer: run the container like a small machine")),
  RichMode: optional(text("PouchContainer: dumb-init, sbin-init or systemd")),
  InitScript: optional(text("PouchContainer: script that runs before the command")),
  DiskQuota: optional(
    map(text(), "PouchContainer: folder in the container to size; `/` is the root file system, `.*` everything"),
  ),
  QuotaId: optional(text("PouchContainer: quota id to use; empty or <= 0 lets the daemon choose")),
  SpecAnnotation: optional(map(text(), "PouchContainer: annotations for the runtime's spec")),
  NetPriority: optional(integer("PouchContainer: net_prio class")),
});
export type ContainerConfig = Static<typeof ContainerConfig>;
