import type { Plugin } from "@pouchcontainer/api";
import { CliError } from "../../cli-error.ts";
import { defineCommand, exactArgs } from "../../command.ts";
import type { CliContext } from "../../context.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { authHeader } from "../../image/credentials.ts";
import { parseImageName } from "../../image/reference.ts";
import { askForPrivileges, grantFlag, inQuery, type SentPackage } from "../../plugin-privileges.ts";
import { isRegistryReference, localPluginSource } from "../../plugin-source.ts";
import { postWithProgress } from "../../progress-stream.ts";

export const command = defineCommand({
  usage: "[OPTIONS] SOURCE",
  description:
    "SOURCE is a folder, a tar archive (.tar, .tgz), a policy (.json), REGISTRY/NAME:TAG or REGISTRY/NAME@DIGEST, or the name of an npm package. What is a file or folder is sent to the daemon, so that it need not be on the daemon's host; from a registry the daemon pulls it. What the plugin asks for in its manifest is shown, and is to be granted.",
  args: exactArgs(1),
  flags: {
    alias: text("Name the package must have; a plugin keeps its own", { aliases: ["name"] }),
    disable: bool("Do not enable the plugin on install"),
    shadow: bool("Call it, and apply nothing that it does, until `plugin set-mode` makes it active"),
    quiet: bool("Show no progress of a pull", { short: "q" }),
    ...grantFlag,
  },
  examples: [
    { does: "The plugin of this folder", run: "pouch plugin install ." },
    { does: "In a script: whatever it asks for is granted", run: "pouch plugin install --grant-all-permissions ." },
    { does: "Rules without code", run: "pouch plugin install ./policy.json" },
    { does: "One whose effect is to be read before it has one", run: "pouch plugin install --shadow ." },
    { does: "A packed one", run: "pouch plugin install ./net-qos-1.2.0.tgz" },
    { does: "One of a registry", run: "pouch plugin install registry.example.com/plugins/net-qos:1.2.0" },
  ],
  async run(context, { flags, args }) {
    const [source = ""] = args;
    const isLocal = (await localPluginSource(source)) !== undefined;
    const name =
      !isLocal && isRegistryReference(source) ? await pull(context, source, flags) : await install(context, source, flags);
    context.out.write(`${name}\n`);
  },
});

interface InstallFlags {
  alias: string | undefined;
  disable: boolean;
  quiet: boolean;
  shadow: boolean;
  "grant-all-permissions": boolean;
}

async function pull(context: CliContext, remote: string, flags: InstallFlags): Promise<string> {
  const { alias: name, disable, quiet, shadow, "grant-all-permissions": grantAll } = flags;
  const headers = authHeader(context, parseImageName(remote).registry);
  const sent = { json: { source: remote }, headers };
  const privileges = await askForPrivileges(context, await context.engine(), async () => sent, grantAll);
  const query = { remote, name, enable: disable ? 0 : 1, mode: shadow ? "shadow" : undefined };
  // Docker's client sends a list so, too.
  const options =
    privileges === "all" ? { query: { ...query, privileges }, headers } : { query, json: privileges ?? [], headers };
  const head = await postWithProgress(context, "/plugins/pull", options, quiet ? undefined : context.out);
  return head.headers.get("docker-plugin-name") ?? remote;
}

async function install(context: CliContext, source: string, flags: InstallFlags): Promise<string> {
  const engine = await context.engine();
  const grantAll = flags["grant-all-permissions"];
  const privileges = await askForPrivileges(context, engine, async () => (await packageOf(source)).sent, grantAll);
  const { place, sent } = await packageOf(source);
  const query = {
    name: flags.alias,
    enable: flags.disable ? 0 : undefined,
    mode: flags.shadow ? "shadow" : undefined,
    source: place,
    privileges: inQuery(privileges),
  };
  const answer = await engine.post("/plugins/install", { ...sent, query });
  const plugin: Partial<Plugin> = await answer.json<Plugin>();
  const warning = plugin.Pouch?.Permissions?.Warning ?? "";
  if (warning !== "") context.err.write(`WARNING: ${warning}\n`);
  return plugin.Name ?? flags.alias ?? source;
}

/** A folder or an archive is read anew each time. */
async function packageOf(source: string): Promise<{ place?: string; sent: SentPackage }> {
  const local = await localPluginSource(source);
  if (local !== undefined) return { place: local.place, sent: { body: local.body } };
  if (source.startsWith(".") || source.startsWith("/") || /\.(tar|tgz|tar\.gz|json)$/.test(source))
    throw new CliError(`no such folder or file: ${source}`);
  return { sent: { json: { source } } };
}
