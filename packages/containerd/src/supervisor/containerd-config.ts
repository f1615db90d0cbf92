export interface ContainerdConfig {
  /** What must survive a reboot: content, snapshots, metadata. */
  root: string;
  /** What must not: bundles of running containers. */
  state: string;
  /** Path of the gRPC socket; the one for shims is beside it. */
  address: string;
  /** Debug messages of containerd and of its shims. */
  debug: boolean;
}

/** What pouchd does itself or never uses, under the names of 1.6 to 2.x. Without them containerd starts faster and logs no failures. */
const disabledPlugins = [
  "io.containerd.grpc.v1.cri",
  "io.containerd.cri.v1.images",
  "io.containerd.cri.v1.runtime",
  "io.containerd.podsandbox.controller.v1.podsandbox",
  "io.containerd.nri.v1.nri",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.erofs",
  // Restarts containers by label: restart policies are the engine's.
  "io.containerd.internal.v1.restart",
  "io.containerd.monitor.container.v1.restart",
  // Metrics for Prometheus of a daemon that serves none; the shims themselves report who ran out of memory.
  "io.containerd.monitor.v1.cgroups",
  "io.containerd.monitor.task.v1.cgroups",
  // Makes /opt/containerd.
  "io.containerd.internal.v1.opt",
  "io.containerd.internal.v1.tracing",
  "io.containerd.tracing.processor.v1.otlp",
];

/**
 * How long a shim may take to answer a containerd that starts, which ends its container after that (5 s by containerd's default:
 * a host that swaps takes longer). It asks one after the other, and serves nobody meanwhile.
 */
const shimLoadTimeout = "15s";

export function ttrpcAddressOf(address: string): string {
  return `${address}.ttrpc`;
}

/** The line of a configuration that names its root. */
export const rootLine = (root: string): string => `root = ${quoted(root)}\n`;

// A JSON string is a TOML basic string.
const quoted = (text: string): string => JSON.stringify(text);

/** A configuration of version 2, which 1.6 and 1.7 take as it is and 2.x migrates when it reads it. */
export function containerdConfig({ root, state, address, debug }: ContainerdConfig): string {
  return `version = 2
${rootLine(root)}state = ${quoted(state)}
disabled_plugins = [
${disabledPlugins.map((name) => `  ${quoted(name)},`).join("\n")}
]

[grpc]
  address = ${quoted(address)}

[ttrpc]
  address = ${quoted(ttrpcAddressOf(address))}

[debug]
  level = ${quoted(debug ? "debug" : "info")}

[timeouts]
  "io.containerd.timeout.shim.load" = ${quoted(shimLoadTimeout)}
`;
}
