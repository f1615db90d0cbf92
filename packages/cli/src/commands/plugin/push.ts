import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { authHeader } from "../../image/credentials.ts";
import { parseImageName } from "../../image/reference.ts";
import { postWithProgress } from "../../progress-stream.ts";

export const command = defineCommand({
  usage: "[OPTIONS] PLUGIN REGISTRY/NAME[:TAG]",
  description:
    "The package goes there as it is installed, with the packages it depends on, as an OCI artifact. The same content has the same digest, which a tool like cosign can sign.",
  args: exactArgs(2),
  flags: {
    quiet: bool("Suppress verbose output", { short: "q" }),
  },
  examples: [{ does: "To a registry of your own", run: "pouch plugin push net-qos registry.example.com/plugins/net-qos:1.2.0" }],
  async run(context, { flags, args }) {
    const remote = argument(args, 1);
    const headers = authHeader(context, parseImageName(remote).registry);
    const path = `/plugins/${inPath(argument(args, 0))}/push`;
    await postWithProgress(context, path, { query: { remote }, headers }, flags.quiet ? undefined : context.out);
  },
});
