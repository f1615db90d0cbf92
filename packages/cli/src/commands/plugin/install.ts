import type { Plugin } from "@pouchcontainer/api";
import { CliError } from "../../cli-error.ts";
import type { EngineClient, EngineResponse } from "../../client/engine-client.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { localPluginSource } from "../../plugin-source.ts";

export const command = defineCommand({
  usage: "[OPTIONS] SOURCE",
  description:
    "SOURCE is a folder, a tar archive (.tar, .tgz), a policy (.json), or the name of an npm package. What is a file or folder is sent to the daemon, so that it need not be on the daemon's host.",
  args: exactArgs(1),
  flags: {
    alias: text("Name the package must have; a plugin keeps its own", { aliases: ["name"] }),
    disable: bool("Do not enable the plugin on install"),
    "grant-all-permissions": bool("Accepted for Docker's sake; there is nothing to grant"),
  },
  examples: [
    { does: "The plugin of this folder", run: "pouch plugin install ." },
    { does: "Rules without code", run: "pouch plugin install ./policy.json" },
    { does: "A packed one, or one of a registry", run: "pouch plugin install ./net-qos-1.2.0.tgz" },
  ],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const query = { name: flags.alias, enable: flags.disable ? 0 : undefined };
    const answer = await send(engine, argument(args, 0), query);
    const plugin: Partial<Plugin> = await answer.json<Plugin>();
    context.out.write(`${plugin.Name ?? flags.alias ?? argument(args, 0)}\n`);
  },
});

async function send(
  engine: EngineClient,
  source: string,
  query: { name: string | undefined; enable: number | undefined },
): Promise<EngineResponse> {
  const local = await localPluginSource(source);
  if (local !== undefined)
    return await engine.post("/plugins/install", { query: { ...query, source: local.place }, body: local.body });
  if (source.startsWith(".") || source.startsWith("/") || /\.(tar|tgz|tar\.gz|json)$/.test(source))
    throw new CliError(`no such folder or file: ${source}`);
  return await engine.post("/plugins/install", {
    query,
    json: { source, ...(query.name === undefined ? {} : { name: query.name }) },
  });
}
