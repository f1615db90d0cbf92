import { BlockList, isIP } from "node:net";
import type { IPAMPool, NetworkCreateConfig, NetworkCreateResponse } from "@pouchcontainer/api";
import { CliError, UsageError } from "../../cli-error.ts";
import { defineCommand, maxArgs } from "../../command.ts";
import { bool, commaList, keyValues, list, map, text } from "../../flags/flag-types.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NETWORK",
  args: maxArgs(1),
  flags: {
    attachable: bool("Enable manual container attachment"),
    "aux-address": map("Auxiliary IPv4 or IPv6 addresses that are never given (name=address)"),
    "config-from": text("The network from which to copy the configuration"),
    "config-only": bool("Create a configuration only network"),
    driver: text("Driver to manage the network", { short: "d", shownDefault: "bridge" }),
    gateway: commaList("IPv4 or IPv6 gateway of a subnet"),
    internal: bool("Restrict external access to the network"),
    "ip-range": commaList("Give container addresses from this part of a subnet"),
    "ipam-driver": text("IP address management driver", { shownDefault: "default" }),
    "ipam-opt": map("Set IPAM driver specific options"),
    ipv4: bool("Enable or disable IPv4 address assignment", { default: true }),
    ipv6: bool("Enable or disable IPv6 address assignment", { aliases: ["enable-ipv6"] }),
    label: list("Set metadata on a network", { short: "l" }),
    name: text("The name of the network", { short: "n" }),
    opt: map("Set driver specific options", { short: "o", aliases: ["option"] }),
    scope: text("Control the network's scope"),
    subnet: commaList("Subnet in CIDR format that represents a network segment"),
  },
  examples: [
    { does: "A network in which containers find each other by name", run: "pouch network create backend" },
    {
      does: "With addresses of your own",
      run: "pouch network create --subnet 10.9.0.0/24 --gateway 10.9.0.1 --ip-range 10.9.0.128/25 backend",
    },
  ],
  async run(context, { flags, given, args }) {
    const name = args[0] ?? flags.name;
    if (name === undefined) throw new UsageError("pouch: 'pouch network create' requires 1 argument");
    const pools = readPools(flags.subnet, flags["ip-range"], flags.gateway, flags["aux-address"]);
    const body: NetworkCreateConfig = {
      Name: name,
      CheckDuplicate: true,
      Driver: flags.driver ?? "bridge",
      Options: flags.opt,
      IPAM: { Driver: flags["ipam-driver"] ?? "default", Options: flags["ipam-opt"], Config: pools },
      Internal: flags.internal,
      Attachable: flags.attachable,
      ConfigOnly: flags["config-only"],
      Labels: keyValues(flags.label),
      ...(given.has("ipv6") ? { EnableIPv6: flags.ipv6 } : {}),
      ...(given.has("ipv4") ? { EnableIPv4: flags.ipv4 } : {}),
      ...(flags.scope === undefined ? {} : { Scope: flags.scope }),
      ...(flags["config-from"] === undefined ? {} : { ConfigFrom: { Network: flags["config-from"] } }),
    };
    const engine = await context.engine();
    const created = await engine.postJson<NetworkCreateResponse>("/networks/create", { json: body });
    if (created.Warning) context.err.write(`WARNING: ${created.Warning}\n`);
    context.out.write(`${created.Id}\n`);
  },
});

/** Puts ranges, gateways and auxiliary addresses to the subnet they lie in. */
export function readPools(
  subnets: readonly string[],
  ranges: readonly string[],
  gateways: readonly string[],
  auxiliary: Readonly<Record<string, string>>,
): IPAMPool[] {
  const pools = subnets.map((subnet) => ({ pool: { Subnet: subnet } as IPAMPool, holds: membership(subnet) }));
  const place = (address: string, what: string): IPAMPool => {
    const found = pools.find(({ holds }) => holds(address.replace(/\/.*$/, "")));
    if (found === undefined)
      throw new CliError(
        subnets.length === 0
          ? `${what} ${address}: every ${what} needs a --subnet that contains it`
          : `no matching subnet for ${what} ${address}`,
      );
    return found.pool;
  };
  for (const range of ranges) {
    const pool = place(range, "ip-range");
    if (pool.IPRange !== undefined)
      throw new CliError(`cannot configure multiple ranges (${range}, ${pool.IPRange}) on the same subnet (${pool.Subnet})`);
    pool.IPRange = range;
  }
  for (const gateway of gateways) {
    const pool = place(gateway, "gateway");
    if (pool.Gateway !== undefined)
      throw new CliError(`cannot configure multiple gateways (${gateway}, ${pool.Gateway}) for the same subnet (${pool.Subnet})`);
    pool.Gateway = gateway;
  }
  for (const [name, address] of Object.entries(auxiliary)) {
    const pool = place(address, "aux-address");
    pool.AuxiliaryAddresses = { ...pool.AuxiliaryAddresses, [name]: address };
  }
  return pools.map(({ pool }) => pool);
}

function membership(subnet: string): (address: string) => boolean {
  const [base = "", prefix = ""] = subnet.split("/");
  const family = isIP(base);
  const bits = Number(prefix);
  if (family === 0 || !/^\d+$/.test(prefix) || bits > (family === 4 ? 32 : 128))
    throw new CliError(`invalid subnet ${subnet}: write CIDR notation, for example 10.9.0.0/24`);
  const type = family === 4 ? "ipv4" : "ipv6";
  const block = new BlockList();
  block.addSubnet(base, bits, type);
  return (address) => isIP(address) === family && block.check(address, type);
}
