import { dockerPools } from "./ipam/default-pools.ts";
import type { NetworksConfig } from "./network-config.ts";

/** The daemon's defaults; what is given replaces them. */
export function networksConfig(given: Partial<NetworksConfig> & Pick<NetworksConfig, "namespacesDirectory">): NetworksConfig {
  return {
    bridge: { name: "p0", ipv6: false, interContainer: true, masquerade: true },
    ipForward: true,
    userlandProxy: false,
    defaultHostAddress: "",
    defaultPools: dockerPools,
    dns: { nameservers: [], search: [], options: [] },
    hostGateway: [],
    nftTable: "pouch",
    bridgePrefix: "br-",
    vethPrefix: "veth",
    verifyRulesMilliseconds: 5_000,
    cniBinDirectories: ["/opt/cni/bin", "/usr/lib/cni"],
    cniConfigDirectory: "/etc/cni/net.d",
    hostRoot: "",
    ...given,
  };
}
