import { invalidArgument } from "@pouchcontainer/errors";
import { isAddress } from "../ipam/cidr.ts";
import type { NetworkRecord } from "../network-record.ts";

/** Docker's names of the options. */
export const bridgeOption = {
  name: "com.docker.network.bridge.name",
  defaultBridge: "com.docker.network.bridge.default_bridge",
  masquerade: "com.docker.network.bridge.enable_ip_masquerade",
  interContainer: "com.docker.network.bridge.enable_icc",
  hostBinding: "com.docker.network.bridge.host_binding_ipv4",
  mtu: "com.docker.network.driver.mtu",
  hostIpv4: "com.docker.network.host_ipv4",
  hostIpv6: "com.docker.network.host_ipv6",
  interfacePrefix: "com.docker.network.container_iface_prefix",
} as const;

export interface BridgeOptions {
  bridge: string;
  /** The name it has without a word about one, which is no other network's. */
  generatedName: string;
  masquerade: boolean;
  interContainer: boolean;
  /** Address published ports are bound to when the request names none. */
  hostBinding: string | undefined;
  mtu: number | undefined;
  snatAddress: string | undefined;
}

export function readBridgeOptions(network: NetworkRecord, bridgePrefix: string): BridgeOptions {
  const { options } = network;
  const generatedName = `${bridgePrefix}${network.id.slice(0, 12)}`;
  const bridge = options[bridgeOption.name] || generatedName;
  // The kernel's limit, and what neither ip nor nft takes for something else.
  if (!/^(?!\.{1,2}$)[A-Za-z0-9_.][A-Za-z0-9_.-]{0,14}$/.test(bridge))
    throw invalidArgument(`invalid bridge name "${bridge}": it takes 1 to 15 letters, digits, "_", "." or "-"`);
  const snatAddress = options[bridgeOption.hostIpv4] ?? options[bridgeOption.hostIpv6];
  if (snatAddress !== undefined && !isAddress(snatAddress)) throw invalidArgument(`invalid host address "${snatAddress}"`);
  const hostBinding = options[bridgeOption.hostBinding] || undefined;
  if (hostBinding !== undefined && !isAddress(hostBinding))
    throw invalidArgument(`failed to parse ${bridgeOption.hostBinding} value: ${hostBinding} (an address is expected)`);
  return {
    bridge,
    generatedName,
    masquerade: readFlag(options, bridgeOption.masquerade, true),
    interContainer: readFlag(options, bridgeOption.interContainer, true),
    hostBinding,
    mtu: readMtu(options[bridgeOption.mtu]),
    snatAddress,
  };
}

function readFlag(options: Record<string, string>, name: string, otherwise: boolean): boolean {
  const value = options[name];
  if (value === undefined || value === "") return otherwise;
  // Go's strconv.ParseBool.
  if (["1", "t", "T", "true", "TRUE", "True"].includes(value)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(value)) return false;
  throw invalidArgument(`failed to parse ${name} value: ${value} (a boolean is expected)`);
}

/** In bytes; undefined for the system's own. */
export function readMtu(value: string | undefined): number | undefined {
  if (value === undefined || value === "" || value === "0") return undefined;
  const mtu = Number(value);
  if (!Number.isInteger(mtu) || mtu < 68 || mtu > 65535)
    throw invalidArgument(`invalid value for ${bridgeOption.mtu}: ${value} (68 to 65535 is expected)`);
  return mtu;
}

/** What interfaces inside containers are called, before their number. */
export function interfacePrefix({ options }: Pick<NetworkRecord, "options">): string {
  const prefix = options[bridgeOption.interfacePrefix] ?? "eth";
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,11}$/.test(prefix))
    throw invalidArgument(`invalid interface prefix "${prefix}": it takes 1 to 12 letters, digits, "_", "." or "-"`);
  return prefix;
}
