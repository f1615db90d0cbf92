import { networksConfig, type DefaultBridgeConfig, type NetworksConfig } from "@pouchcontainer/engine";
import { join } from "node:path";
import type { Configuration } from "../config/options.ts";

/** The network room's settings, from the daemon's flags. */
export function networkSettings(configuration: Configuration): NetworksConfig {
  return networksConfig({
    namespacesDirectory: join(configuration["exec-root-dir"], "netns"),
    bridge: bridgeSettings(configuration),
    ipForward: configuration.ipforward,
    userlandProxy: configuration["userland-proxy"],
    dns: { nameservers: configuration.dns, search: configuration["dns-search"], options: configuration["dns-opt"] },
    nftTable: configuration["nft-table"],
    cniBinDirectories: configuration["cni-bin-dir"],
    cniConfigDirectory: configuration["cni-conf-dir"],
  });
}

function bridgeSettings(configuration: Configuration): DefaultBridgeConfig {
  const { bip } = configuration;
  const fixedCidr = configuration["fixed-cidr"];
  const gateway = configuration["default-gateway"];
  const fixedCidrV6 = configuration["fixed-cidr-v6"];
  const gatewayV6 = configuration["default-gateway-v6"];
  return {
    name: configuration["disable-bridge"] ? "none" : configuration["bridge-name"],
    ipv6: configuration["enable-ipv6"],
    mtu: configuration.mtu,
    interContainer: configuration.icc,
    masquerade: configuration.ipmasq,
    ...(bip !== undefined && { bip }),
    ...(fixedCidr !== undefined && { fixedCidr }),
    ...(gateway !== undefined && { gateway }),
    ...(fixedCidrV6 !== undefined && { fixedCidrV6 }),
    ...(gatewayV6 !== undefined && { gatewayV6 }),
  };
}
