import type { EndpointSettings, NetworkConnectRequest } from "@pouchcontainer/api";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { commaList, int, list, map, text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NETWORK CONTAINER",
  args: exactArgs(2),
  flags: {
    alias: commaList("Add network-scoped alias for the container"),
    "driver-opt": map("Driver options for the network"),
    "gw-priority": int("The endpoint with the highest priority gives the default gateway"),
    ip: text('IPv4 address (e.g., "172.30.100.104")'),
    ip6: text('IPv6 address (e.g., "2001:db8::33")'),
    link: list("Add link to another container"),
    "link-local-ip": commaList("Add a link-local address for the container"),
  },
  examples: [
    {
      does: "Let a container into a second network, under another name",
      run: "pouch network connect --alias db backend postgres",
    },
  ],
  async run(context, { flags, args }) {
    const addresses = {
      ...(flags.ip === undefined ? {} : { IPv4Address: flags.ip }),
      ...(flags.ip6 === undefined ? {} : { IPv6Address: flags.ip6 }),
      ...(flags["link-local-ip"].length === 0 ? {} : { LinkLocalIPs: flags["link-local-ip"] }),
    };
    const endpoint: EndpointSettings = {
      ...(Object.keys(addresses).length === 0 ? {} : { IPAMConfig: addresses }),
      Links: flags.link,
      Aliases: flags.alias,
      DriverOpts: flags["driver-opt"],
      ...(flags["gw-priority"] === undefined ? {} : { GwPriority: flags["gw-priority"] }),
    };
    const body: NetworkConnectRequest = { Container: argument(args, 1), EndpointConfig: endpoint };
    const engine = await context.engine();
    await engine.postAndForget(`/networks/${inPath(argument(args, 0))}/connect`, { json: body });
  },
});
