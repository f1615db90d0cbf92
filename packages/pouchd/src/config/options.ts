/**
 * The daemon's options as data: the command line, the JSON configuration file, `--help` and docs/operations.md are all made
 * from this table. A key of the configuration file is the name of the flag.
 */
export type OptionType = "string" | "boolean" | "integer" | "list" | "map";

export interface NumberRange {
  least: number;
  /** Default: there is none. */
  most?: number;
  /** Whether it may be 0 besides. */
  orZero?: true;
}

export interface OptionSpec {
  type: OptionType;
  short?: string;
  /** What holds when neither flag nor file says anything. */
  default?: string | boolean | number | readonly string[];
  /** Shown in `--help` in place of a value. */
  placeholder?: string;
  /** One line for `--help` and the documentation, where a number's range follows it. */
  help: string;
  /** Of a number, all of them whole. Default: any. */
  range?: NumberRange;
  group: "state" | "access" | "containerd" | "containers" | "images" | "network" | "plugins" | "diagnosis";
}

export const optionTable = {
  "home-dir": {
    group: "state",
    type: "string",
    default: "/var/lib/pouch",
    placeholder: "DIR",
    help: "Persistent state: records, logs, volumes, images",
  },
  "exec-root-dir": {
    group: "state",
    type: "string",
    default: "/var/run/pouch",
    placeholder: "DIR",
    help: "State of this boot: sockets, FIFOs, mounts, namespaces; its path has at most 82 bytes",
  },
  pidfile: {
    group: "state",
    short: "p",
    type: "string",
    default: "/var/run/pouch.pid",
    placeholder: "FILE",
    help: "File the daemon's pid is written to",
  },
  "config-file": {
    group: "state",
    type: "string",
    default: "/etc/pouch/config.json",
    placeholder: "FILE",
    help: "JSON file with the same keys as the flags",
  },

  listen: {
    group: "access",
    short: "l",
    type: "list",
    default: ["unix:///var/run/pouchd.sock"],
    placeholder: "ADDRESS",
    help: "Where the API is served: unix:///path or tcp://host:port (repeatable)",
  },
  "enable-cri": {
    group: "access",
    type: "boolean",
    default: false,
    help: "Serve Kubernetes' CRI, runtime.v1 and runtime.v1alpha2, where --listen-cri says",
  },
  "listen-cri": {
    group: "access",
    type: "list",
    default: ["unix:///var/run/pouchcri.sock"],
    placeholder: "ADDRESS",
    help: "Where CRI is served to root: unix:///path (repeatable)",
  },
  "stream-server-address": {
    group: "access",
    type: "string",
    default: "127.0.0.1",
    placeholder: "IP",
    help: "Where streams of CRI's exec, attach and port-forward are served to the kubelet",
  },
  "stream-server-port": {
    group: "access",
    type: "integer",
    default: 0,
    placeholder: "PORT",
    help: "Port of these streams; 0 for a free one at each start",
    range: { least: 0, most: 65_535 },
  },
  "stream-tlscert": {
    group: "access",
    type: "string",
    placeholder: "FILE",
    help: "Certificate of these streams; without it they are plain HTTP",
  },
  "stream-tlskey": { group: "access", type: "string", placeholder: "FILE", help: "Private key of these streams" },
  "stream-tlscacert": {
    group: "access",
    type: "string",
    placeholder: "FILE",
    help: "CA that client certificates of these streams must be signed by; without it the token in a URL is enough",
  },
  group: {
    group: "access",
    short: "G",
    type: "string",
    placeholder: "GROUP",
    help: "Group that owns the Unix socket, by name or id; without it, docker where that exists",
  },
  "allow-unauthenticated-tcp": {
    group: "access",
    type: "boolean",
    default: false,
    help: "Serve TCP to clients without a certificate: whoever reaches the port is root on this host",
  },
  tlsverify: { group: "access", type: "boolean", default: false, help: "Serve TCP with TLS and ask clients for a certificate" },
  tlscacert: { group: "access", type: "string", placeholder: "FILE", help: "CA that client certificates must be signed by" },
  tlscert: { group: "access", type: "string", placeholder: "FILE", help: "Certificate of the daemon" },
  tlskey: { group: "access", type: "string", placeholder: "FILE", help: "Private key of the daemon" },

  containerd: {
    group: "containerd",
    short: "c",
    type: "string",
    placeholder: "ADDRESS",
    help: "Socket of a running containerd; without it the daemon starts and supervises its own",
  },
  "containerd-path": {
    group: "containerd",
    type: "string",
    default: "containerd",
    placeholder: "PATH",
    help: "containerd binary to start",
  },
  "default-namespace": {
    group: "containerd",
    type: "string",
    default: "pouch",
    placeholder: "NAME",
    help: "containerd namespace containers and images live in",
  },
  snapshotter: {
    group: "containerd",
    type: "string",
    default: "overlayfs",
    placeholder: "NAME",
    help: "Snapshotter for containers that do not ask for another",
  },

  "cgroup-parent": {
    group: "containers",
    type: "string",
    default: "pouch",
    placeholder: "CGROUP",
    help: "Parent cgroup of containers; with systemd a slice, pouch.slice by default",
  },
  "cgroup-driver": { group: "containers", type: "string", default: "cgroupfs", placeholder: "NAME", help: "cgroupfs or systemd" },
  "runtime-path": {
    group: "containers",
    type: "string",
    default: "runc",
    placeholder: "PATH",
    help: "OCI runtime binary behind the runtime runc",
  },
  "add-runtime": {
    group: "containers",
    type: "map",
    placeholder: "NAME=PATH",
    help: "Another OCI runtime that containers may ask for (repeatable)",
  },
  "default-runtime": {
    group: "containers",
    type: "string",
    default: "runc",
    placeholder: "NAME",
    help: "Runtime of containers that do not ask for another",
  },
  "init-path": {
    group: "containers",
    type: "string",
    default: "tini-static",
    placeholder: "PATH",
    help: "Init binary for containers run with --init",
  },
  "log-driver": {
    group: "containers",
    type: "string",
    default: "json-file",
    placeholder: "NAME",
    help: "json-file or none: log driver of containers that do not ask for another",
  },
  "log-opt": {
    group: "containers",
    type: "map",
    placeholder: "KEY=VALUE",
    help: "Option of the default log driver, for json-file max-size, max-file, compress, labels, labels-regex, env, env-regex, tag, mode, max-buffer-size (repeatable)",
  },

  "sandbox-image": {
    group: "images",
    type: "string",
    placeholder: "IMAGE",
    help: "Image that CRI shows as the pods' and that its clients do not collect; pods run without one",
  },
  "default-registry": {
    group: "images",
    type: "string",
    default: "docker.io",
    placeholder: "HOST",
    help: "Registry of image names that name none; HOST/NAMESPACE for another namespace than library",
  },
  "certs-dir": {
    group: "images",
    type: "string",
    default: "/etc/containerd/certs.d",
    placeholder: "DIR",
    help: "Mirrors and TLS per registry, in containerd's hosts.toml layout",
  },
  "insecure-registries": {
    group: "images",
    type: "list",
    default: [],
    placeholder: "HOST",
    help: "HOST, HOST:PORT or IPv4 subnet reached over plain HTTP or without a trusted certificate (repeatable)",
  },
  "max-concurrent-downloads": {
    group: "images",
    type: "integer",
    default: 3,
    placeholder: "N",
    help: "Layers downloaded at once in a pull",
    range: { least: 1 },
  },
  "max-concurrent-uploads": {
    group: "images",
    type: "integer",
    default: 5,
    placeholder: "N",
    help: "Layers uploaded at once in a push",
    range: { least: 1 },
  },

  "disable-bridge": {
    group: "network",
    type: "boolean",
    default: false,
    help: "Make no default bridge: containers run with network none unless they ask",
  },
  "bridge-name": {
    group: "network",
    type: "string",
    default: "p0",
    placeholder: "NAME",
    help: "Device name of the default bridge; none as with --disable-bridge",
  },
  bip: { group: "network", type: "string", placeholder: "CIDR", help: "Address and subnet of the default bridge" },
  "fixed-cidr": {
    group: "network",
    type: "string",
    placeholder: "CIDR",
    help: "Range container addresses on the default bridge come from",
  },
  "fixed-cidr-v6": { group: "network", type: "string", placeholder: "CIDR", help: "IPv6 subnet of the default bridge" },
  "default-gateway": { group: "network", type: "string", placeholder: "IP", help: "Gateway of containers on the default bridge" },
  "default-gateway-v6": {
    group: "network",
    type: "string",
    placeholder: "IP",
    help: "IPv6 gateway of containers on the default bridge",
  },
  "enable-ipv6": { group: "network", type: "boolean", default: false, help: "IPv6 on the default bridge" },
  mtu: {
    group: "network",
    type: "integer",
    default: 1500,
    placeholder: "BYTES",
    help: "MTU of the default bridge; 0 for the system's own",
    range: { least: 68, most: 65_535, orZero: true },
  },
  icc: { group: "network", type: "boolean", default: true, help: "Containers on the default bridge may talk to each other" },
  ipforward: { group: "network", type: "boolean", default: true, help: "Switch on IP forwarding" },
  ipmasq: { group: "network", type: "boolean", default: true, help: "Masquerade what leaves a bridge" },
  "userland-proxy": { group: "network", type: "boolean", default: false, help: "Serve published ports on loopback by a proxy" },
  "nft-table": { group: "network", type: "string", default: "pouch", placeholder: "NAME", help: "Name of the nftables table" },
  dns: {
    group: "network",
    type: "list",
    default: [],
    placeholder: "IP",
    help: "DNS server of containers that name none (repeatable)",
  },
  "dns-search": {
    group: "network",
    type: "list",
    default: [],
    placeholder: "DOMAIN",
    help: "DNS search domain of containers that name none (repeatable)",
  },
  "dns-opt": {
    group: "network",
    type: "list",
    default: [],
    placeholder: "OPTION",
    help: "Resolver option of containers that name none (repeatable)",
  },
  "cni-bin-dir": {
    group: "network",
    type: "list",
    default: ["/opt/cni/bin", "/usr/lib/cni"],
    placeholder: "DIR",
    help: "Folder of CNI plugins (repeatable)",
  },
  "cni-conf-dir": {
    group: "network",
    type: "string",
    default: "/etc/cni/net.d",
    placeholder: "DIR",
    help: "Folder of CNI network lists",
  },

  plugin: {
    group: "plugins",
    type: "list",
    default: [],
    placeholder: "NAME",
    help: "Order of plugins with equal priority, first one first (repeatable)",
  },
  "plugin-set": {
    group: "plugins",
    type: "string",
    placeholder: "FILE",
    help: "JSON file of the plugins to have: at each start they are installed, replaced, enabled and disabled as it says",
  },
  "plugin-set-timeout": {
    group: "plugins",
    type: "integer",
    default: 60,
    placeholder: "SECONDS",
    range: { least: 1, most: 86_400 },
    help: "How long a start waits for what it fetches for --plugin-set from registries and npm, all together",
  },
  "plugin-config-dir": {
    group: "plugins",
    type: "string",
    default: "/etc/pouch/plugins",
    placeholder: "DIR",
    help: "NAME.json in it configures plugin NAME, permissions/NAME.json narrows what it may do, of @scope/name it is @scope__name.json; read when the plugin is started, so at the daemon's start, an install, enable or reload",
  },
  "plugin-conflicts": {
    group: "plugins",
    type: "string",
    default: "log",
    placeholder: "log|fail",
    help: "log or fail: what to do when two plugins set one field to different values",
  },
  "plugin-signature-keys": {
    group: "plugins",
    type: "list",
    default: [],
    placeholder: "FILE",
    help: "Public key in PEM (ECDSA over P-256, as cosign makes them) by which signatures of registries' plugins count (repeatable)",
  },
  "require-plugin-signatures": {
    group: "plugins",
    type: "boolean",
    default: false,
    help: "Install no plugin that none of --plugin-signature-keys has signed",
  },
  "mandatory-plugin": {
    group: "plugins",
    type: "list",
    default: [],
    placeholder: "NAME",
    help: "Plugin without whose successful call no container is created (repeatable)",
  },
  validator: {
    group: "plugins",
    type: "list",
    default: [],
    placeholder: "RULE",
    help: "What is refused whichever plugin asks for it: no-host-hooks, no-seccomp-change, no-privileged, no-bind=PATH (repeatable)",
  },
  "plugin-journal-size": {
    group: "plugins",
    type: "integer",
    default: 16 * 1024 * 1024,
    placeholder: "BYTES",
    help: "Room on disk for calls of plugins that `pouch plugin replay` makes again, the oldest go first; 0 keeps none and removes what is there",
    range: { least: 2 ** 20, most: 2 ** 32, orZero: true },
  },
  "plugin-journal-secrets": {
    group: "plugins",
    type: "string",
    default: "mask",
    placeholder: "mask|omit",
    help: "What is kept there of values of variables and of credentials: *** in their place, or not even the names",
  },
  "plugin-answer-bytes": {
    group: "plugins",
    type: "integer",
    default: 16 * 1024 * 1024,
    placeholder: "BYTES",
    help: "Largest answer of a plugin to one call; of one in the daemon, its names and texts in characters",
    range: { least: 65_536, most: 2 ** 26 },
  },
  "plugin-answer-values": {
    group: "plugins",
    type: "integer",
    default: 40_000,
    placeholder: "N",
    help: "Most members and items in an answer of a plugin; in the body of an update never more than 20000",
    range: { least: 1000, most: 1_000_000 },
  },
  "plugin-answer-depth": {
    group: "plugins",
    type: "integer",
    default: 100,
    placeholder: "N",
    help: "Most levels of a body that a plugin has changed",
    range: { least: 20, most: 900 },
  },
  "safe-mode": {
    group: "plugins",
    type: "boolean",
    default: false,
    help: "Start and call no plugin, so that one that keeps the daemon down can be disabled, removed or replaced",
  },

  debug: { group: "diagnosis", short: "D", type: "boolean", default: false, help: "Log more" },
  "log-level": { group: "diagnosis", type: "string", default: "info", placeholder: "LEVEL", help: "debug, info, warn or error" },
  label: {
    group: "diagnosis",
    type: "list",
    default: [],
    placeholder: "KEY=VALUE",
    help: "Label of this daemon, shown by `info` (repeatable)",
  },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof optionTable;
/** The table with its values widened, for code that walks over it. */
export const optionSpecs: ReadonlyMap<string, OptionSpec> = new Map(Object.entries<OptionSpec>(optionTable));

type ValueOf<S extends OptionSpec> = S["type"] extends "string"
  ? string
  : S["type"] extends "boolean"
    ? boolean
    : S["type"] extends "integer"
      ? number
      : S["type"] extends "list"
        ? string[]
        : Record<string, string>;

/** The daemon's configuration: one value per option; options without a default may be absent. */
export type Configuration = {
  [Name in OptionName as (typeof optionTable)[Name] extends { default: unknown } ? Name : never]: ValueOf<
    (typeof optionTable)[Name]
  >;
} & {
  [Name in OptionName as (typeof optionTable)[Name] extends { default: unknown } ? never : Name]?: ValueOf<
    (typeof optionTable)[Name]
  >;
};

/** An option's line, with what its number may be. */
export function helpOf({ help, range }: OptionSpec): string {
  return range === undefined ? help : `${help}; takes ${rangeText(range)}`;
}

export function rangeText({ least, most, orZero }: NumberRange): string {
  return `${orZero ? "0, or " : ""}${most === undefined ? `${least} or more` : `${least} to ${most}`}`;
}
