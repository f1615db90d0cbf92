import type { DnsSettings } from "./files/resolv-conf.ts";
import type { DefaultPool } from "./ipam/default-pools.ts";

/** The default bridge, by the daemon's flags. */
export interface DefaultBridgeConfig {
  /** Name of the interface; `none` for a daemon without a default bridge. */
  name: string;
  /** `--bip`: the bridge's own address with its prefix length, which is the network's subnet and gateway. */
  bip?: string;
  /** Addresses of containers come from this part of the subnet. */
  fixedCidr?: string;
  /** Another gateway for containers than the bridge. */
  gateway?: string;
  fixedCidrV6?: string;
  gatewayV6?: string;
  ipv6: boolean;
  mtu?: number;
  interContainer: boolean;
  masquerade: boolean;
}

export interface NetworksConfig {
  /** Folder of the namespaces' mount points, below the daemon's exec root; two daemons need two. */
  namespacesDirectory: string;
  bridge: DefaultBridgeConfig;
  /** Turn routing between interfaces on. */
  ipForward: boolean;
  /** Relay what the kernel's translation does not reach. */
  userlandProxy: boolean;
  /** Address of published ports that name none; "" for every address of the host. */
  defaultHostAddress: string;
  defaultPools: DefaultPool[];
  /** For containers that ask for no servers, domains or options. */
  dns: DnsSettings;
  /** What `host-gateway` stands for; default: the default bridge's gateway. */
  hostGateway: string[];
  /** Name of our nftables table; two daemons need two. */
  nftTable: string;
  /** Of bridges the engine names itself. */
  bridgePrefix: string;
  /** Of the host's ends of endpoints. */
  vethPrefix: string;
  /** How often the rules are compared with what they should be; 0 never. */
  verifyRulesMilliseconds: number;
  /** Folders of CNI plugins, and of network lists. */
  cniBinDirectories: string[];
  cniConfigDirectory: string;
  /** Where the host's `etc/hosts` and `etc/resolv.conf` are; "" for the machine itself. */
  hostRoot: string;
}
