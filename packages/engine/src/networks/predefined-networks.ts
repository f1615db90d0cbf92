import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import { parseCidr } from "./ipam/cidr.ts";
import { completeIpam, type IpamSurroundings } from "./ipam/complete-ipam.ts";
import { bridgeOption } from "./drivers/bridge-options.ts";
import { goTime } from "./go-time.ts";
import type { DefaultBridgeConfig, NetworksConfig } from "./network-config.ts";
import type { NetworkRecord } from "./network-record.ts";
import { newId } from "./network-registry.ts";

/** `host` and `none`: no addresses, nothing in the kernel. */
export function bareNetwork(name: "host" | "none", now: Date): NetworkRecord {
  return { ...blank(now), name, driver: name === "host" ? "host" : "null" };
}

/** Refuses flags of the default bridge that cannot hold together, whatever the host and other networks have. */
export function checkDefaultBridge({ bridge, defaultPools }: Pick<NetworksConfig, "bridge" | "defaultPools">): void {
  try {
    defaultBridge(bridge, { defaultPools, networks: [], hostRoutes: [] }, undefined, new Date());
  } catch (cause) {
    throw invalidArgument(`the default bridge cannot be as it is asked for (${askedFor(bridge)}): ${messageChain(cause)}`, {
      cause,
    });
  }
}

function askedFor({ bip, fixedCidr, gateway, fixedCidrV6, gatewayV6 }: DefaultBridgeConfig): string {
  const flags = {
    "--bip": bip,
    "--fixed-cidr": fixedCidr,
    "--default-gateway": gateway,
    "--fixed-cidr-v6": fixedCidrV6,
    "--default-gateway-v6": gatewayV6,
  };
  const given = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [`${flag} ${value}`]));
  return given.join(", ");
}

/** The default bridge as the daemon's flags have it; keeps id, age and, where no flag says otherwise, its subnet of before. */
export function defaultBridge(
  config: DefaultBridgeConfig,
  around: IpamSurroundings,
  before: NetworkRecord | undefined,
  now: Date,
): NetworkRecord {
  const pools = [];
  if (config.bip !== undefined) {
    pools.push({
      Subnet: parseCidr(config.bip).text,
      Gateway: config.gateway ?? config.bip.slice(0, config.bip.indexOf("/")),
      ...(config.fixedCidr === undefined ? {} : { IPRange: config.fixedCidr }),
    });
  } else if (config.fixedCidr !== undefined) {
    pools.push({
      Subnet: parseCidr(config.fixedCidr).text,
      IPRange: config.fixedCidr,
      ...(config.gateway === undefined ? {} : { Gateway: config.gateway }),
    });
  } else {
    const kept = before?.ipam.config.find((pool) => pool.Subnet !== undefined && parseCidr(pool.Subnet).family === 4);
    if (kept?.Subnet !== undefined)
      pools.push({ Subnet: kept.Subnet, ...(kept.Gateway === undefined ? {} : { Gateway: config.gateway ?? kept.Gateway }) });
  }
  if (config.ipv6 && config.fixedCidrV6 !== undefined) {
    pools.push({
      Subnet: parseCidr(config.fixedCidrV6).text,
      ...(config.gatewayV6 === undefined ? {} : { Gateway: config.gatewayV6 }),
    });
  } else if (config.ipv6) {
    const kept = before?.ipam.config.find((pool) => pool.Subnet !== undefined && parseCidr(pool.Subnet).family === 6);
    if (kept) pools.push(kept);
  }
  const ipam = completeIpam({ config: pools, enableIPv4: true, enableIPv6: config.ipv6 }, around);
  return {
    ...blank(now),
    ...(before ? { id: before.id, created: before.created } : {}),
    name: "bridge",
    driver: "bridge",
    enableIPv6: config.ipv6,
    ipam: { driver: "default", options: null, config: ipam, chosen: false },
    options: {
      [bridgeOption.defaultBridge]: "true",
      [bridgeOption.interContainer]: String(config.interContainer),
      [bridgeOption.masquerade]: String(config.masquerade),
      [bridgeOption.hostBinding]: "0.0.0.0",
      [bridgeOption.name]: config.name,
      [bridgeOption.mtu]: String(config.mtu ?? 1500),
    },
  };
}

function blank(now: Date): NetworkRecord {
  return {
    id: newId(),
    name: "",
    created: goTime(now),
    driver: "",
    internal: false,
    attachable: false,
    ingress: false,
    configOnly: false,
    configFrom: "",
    enableIPv4: true,
    enableIPv6: false,
    ipam: { driver: "default", options: null, config: [], chosen: false },
    options: {},
    labels: {},
  };
}
