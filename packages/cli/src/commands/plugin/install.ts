import type { Plugin } from "@pouchcontainer/api";
import { CliError } from "../../cli-error.ts";
import type { EngineClient, EngineResponse } from "../../client/engine-client.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool, text } from "../../flags/flag-types.ts";
import type { CliContext } from "../../context.ts";
import { authHeader } from "../../image/credentials.ts";
import { parseImageName } from "../../image/reference.ts";
import { isRegistryReference, localPluginSource } from "../../plugin-source.ts";
import type { PluginSource } from "../../plugin-source.ts";
import { postWithProgress } from "../../progress-stream.ts";

export const command = defineCommand({
  usage: "[OPTIONS] SOURCE",
  description:
    "SOURCE is a folder, a tar archive (.tar, .tgz), a policy (.json), REGISTRY/NAME:TAG or REGISTRY/NAME@DIGEST, or the name of an npm package. What is a file or folder is sent to the daemon, so that it need not be on the daemon's host; from a registry the daemon pulls it.",
  args: exactArgs(1),
  flags: {
    alias: text("Name the package must have; a plugin keeps its own", { aliases: ["name"] }),
    disable: bool("Do not enable the plugin on install"),
    quiet: bool("Show no progress of a pull", { short: "q" }),
    "grant-all-permissions": bool("Accepted for Docker's sake; there is nothing to grant"),
  },
  examples: [
    { does: "The plugin of this folder", run: "pouch plugin install ." },
    { does: "Rules without code", run: "pouch plugin install ./policy.json" },
    { does: "A packed one", run: "pouch plugin install ./net-qos-1.2.0.tgz" },
    { does: "One of a registry", run: "pouch plugin install registry.example.com/plugins/net-qos:1.2.0" },
  ],
  async run(context, { flags, args }) {
    const source = argument(args, 0);
    const local = await localPluginSource(source);
    if (local === undefined && isRegistryReference(source)) {
      const name = await pull(context, source, flags);
      context.out.write(`${name}\n`);
      return;
    }
    const engine = await context.engine();
    const query = { name: flags.alias, enable: flags.disable ? 0 : undefined };
    const answer = await send(engine, source, local, query);
    const plugin: Partial<Plugin> = await answer.json<Plugin>();
    context.out.write(`${plugin.Name ?? flags.alias ?? source}\n`);
  },
});

async function pull(
  context: CliContext,
  remote: string,
  { alias: name, disable, quiet }: { alias: string | undefined; disable: boolean; quiet: boolean },
): Promise<string> {
  const headers = authHeader(context, parseImageName(remote).registry);
  const options = { query: { remote, name, enable: disable ? 0 : 1 }, headers };
  const head = await postWithProgress(context, "/plugins/pull", options, quiet ? undefined : context.out);
  return head.headers.get("docker-plugin-name") ?? remote;
}

async function send(
  engine: EngineClient,
  source: string,
  local: PluginSource | undefined,
  query: { name: string | undefined; enable: number | undefined },
): Promise<EngineResponse> {
  if (local !== undefined)
    return await engine.post("/plugins/install", { query: { ...query, source: local.place }, body: local.body });
  if (source.startsWith(".") || source.startsWith("/") || /\.(tar|tgz|tar\.gz|json)$/.test(source))
    throw new CliError(`no such folder or file: ${source}`);
  return await engine.post("/plugins/install", {
    query,
    json: { source, ...(query.name === undefined ? {} : { name: query.name }) },
  });
}
