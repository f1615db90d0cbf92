import type { PluginManifest } from "@pouchcontainer/plugin-sdk";

/** Whether an installed plugin's process is in the host's network: one that lists no permissions is, where the operator leaves it that. */
export function reachesNetwork({ permissions, narrowed }: Pick<PluginManifest, "permissions" | "narrowed">): boolean {
  return [permissions, narrowed].every((limit) => limit === undefined || limit.network === true);
}

/** Programs expect to find the loopback interface up. */
const enterNamespace = 'ip link set lo up || exit 125; exec "$@"';

/** The command that runs another in a network namespace of its own, which goes with the process. */
export function withoutNetwork(command: readonly string[]): string[] {
  return ["unshare", "--net", "/bin/sh", "-c", enterNamespace, "without-network", ...command];
}
