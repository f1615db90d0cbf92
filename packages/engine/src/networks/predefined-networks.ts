import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import type * as api from "@pouchcontainer/api";
import { contains, parseCidr, type Family } from "./ipam/cidr.ts";
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

/**
 * Refuses flags of the default bridge that cannot hold together, whatever the host and other networks have. A gateway
 * without a subnet waits for `defaultBridge`, which knows the subnet of before.
 */
export function checkDefaultBridge({ bridge: asked, defaultPools }: Pick<NetworksConfig, "bridge" | "defaultPools">): void {
  const { gateway, gatewayV6, ...bridge } = asked;
  const named = {
    ...bridge,
    ...(gateway !== undefined && (asked.bip ?? asked.fixedCidr) !== undefined && { gateway }),
    ...(gatewayV6 !== undefined && asked.fixedCidrV6 !== undefined && { gatewayV6 }),
  };
  try {
    defaultBridge(named, { defaultPools, networks: [], hostRoutes: [] }, undefined, new Date());
  } catch (cause) {
    throw invalidArgument(`the default bridge cannot be as it is asked for (${askedFor(asked)}): ${messageChain(cause)}`, {
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
    pools.push(ownSubnet(4, config.gateway, before, around));
  }
  if (config.ipv6 && config.fixedCidrV6 !== undefined) {
    pools.push({
      Subnet: parseCidr(config.fixedCidrV6).text,
      ...(config.gatewayV6 === undefined ? {} : { Gateway: config.gatewayV6 }),
    });
  } else if (config.ipv6) {
    pools.push(ownSubnet(6, config.gatewayV6, before, around));
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

/** The subnet of before, or a free one, for flags that name none; a gateway that is asked for must lie in it. */
function ownSubnet(
  family: Family,
  gateway: string | undefined,
  before: NetworkRecord | undefined,
  around: IpamSurroundings,
): api.IPAMPool {
  const ofFamily = (pools: api.IPAMPool[] = []) =>
    pools.find((pool) => pool.Subnet !== undefined && parseCidr(pool.Subnet).family === family);
  const chosen = () => completeIpam({ config: [], enableIPv4: family === 4, enableIPv6: family === 6 }, around);
  const pool = ofFamily(before?.ipam.config) ?? ofFamily(chosen());
  if (pool?.Subnet === undefined) return {};
  const { Subnet, Gateway } = pool;
  if (gateway === undefined) return { Subnet, ...(Gateway !== undefined && { Gateway }) };
  if (!contains(parseCidr(Subnet), gateway)) {
    const [asked, subnets] =
      family === 4 ? ["--default-gateway", "--bip or --fixed-cidr"] : ["--default-gateway-v6", "--fixed-cidr-v6"];
    throw invalidArgument(
      `${asked} ${gateway} is outside the default bridge's subnet ${Subnet}: give the subnet by ${subnets} too`,
    );
  }
  return { Subnet, Gateway: gateway };
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
