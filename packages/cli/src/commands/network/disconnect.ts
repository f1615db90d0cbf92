import type { NetworkDisconnectRequest } from "@pouchcontainer/api";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NETWORK CONTAINER",
  args: exactArgs(2),
  flags: { force: bool("Force the container to disconnect from a network", { short: "f" }) },
  examples: [{ does: "Take a container out of a network", run: "pouch network disconnect backend postgres" }],
  async run(context, { flags, args }) {
    const body: NetworkDisconnectRequest = { Container: argument(args, 1), Force: flags.force };
    const engine = await context.engine();
    await engine.postAndForget(`/networks/${inPath(argument(args, 0))}/disconnect`, { json: body });
  },
});
