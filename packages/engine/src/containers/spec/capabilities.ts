import { invalidArgument } from "@pouchcontainer/errors";

/** Every Linux capability in the order of its bit (capability.h, up to Linux 5.9, which added the last). */
export const allCapabilities = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
] as const;

/** What Docker gives a container that asks for nothing. */
export const defaultCapabilities = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

/** Names of the bits set in a mask of `/proc/<pid>/status` (hexadecimal). */
export function capabilitiesOfMask(hex: string): string[] {
  const mask = BigInt(`0x${hex}`);
  return allCapabilities.filter((_name, bit) => (mask >> BigInt(bit)) & 1n);
}

/** `net_admin` and `CAP_NET_ADMIN` alike become `CAP_NET_ADMIN`, `all` becomes `ALL`; an unknown name is refused in Docker's words. */
export function normaliseCapabilities(names: readonly string[]): string[] {
  return names.map((name) => {
    const upper = name.toUpperCase();
    if (upper === "ALL") return upper;
    const full = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (!allCapabilities.some((known) => known === full)) throw invalidArgument(`unknown capability: "${full}"`);
    return full;
  });
}

export interface CapabilityRequest {
  privileged: boolean;
  add: readonly string[];
  drop: readonly string[];
}

/**
 * The capabilities a container gets, by Docker's rules (`ALL` in add or drop turns the meaning of the other list round),
 * without those the daemon itself lacks: runc cannot give them and dies with an opaque message when asked to.
 */
export function effectiveCapabilities(
  request: CapabilityRequest,
  bounding: readonly string[],
): { names: string[]; warnings: string[] } {
  const wanted = wantedCapabilities(request);
  const names = wanted.filter((name) => bounding.includes(name));
  // A privileged container asks for "all there are"; only what was asked for by name is worth a warning.
  const named = new Set(normaliseCapabilities(request.add));
  const refused = wanted.filter((name) => !bounding.includes(name) && (named.has(name) || defaultCapabilities.includes(name)));
  const warnings = refused.map(
    (name) => `The daemon does not hold ${name} and cannot give it to a container. Capability discarded.`,
  );
  return { names, warnings };
}

function wantedCapabilities(request: CapabilityRequest): string[] {
  if (request.privileged) return [...allCapabilities];
  const add = normaliseCapabilities(request.add);
  const drop = normaliseCapabilities(request.drop);
  if (add.includes("ALL")) return allCapabilities.filter((name) => !drop.includes(name));
  const base = drop.includes("ALL") ? [] : defaultCapabilities.filter((name) => !drop.includes(name));
  return [...base, ...add.filter((name) => !base.includes(name))];
}
