import type { Plugin } from "@pouchcontainer/api";
import { defineCommand, minArgs } from "../../command.ts";
import { forEachName, inPath } from "../../for-each-name.ts";
import { authHeader } from "../../image/credentials.ts";
import { parseImageName } from "../../image/reference.ts";
import { isRegistryReference, sentPluginSource } from "../../plugin-source.ts";

export const command = defineCommand({
  usage: "PLUGIN [PLUGIN...]",
  args: minArgs(1),
  flags: {},
  description:
    "What a plugin was installed from is looked at again: its folder or archive on this host, which is sent, its reference in a registry, which is pulled again (a digest stays what it is), or its package. The new version is started and checked before it takes over; calls under way end in the old one. A new version that fails leaves the old one in place.",
  examples: [{ does: "Take over what changed in its folder", run: "pouch plugin reload net-qos" }],
  async run(context, { args }) {
    const engine = await context.engine();
    return await forEachName(context, args, async (name) => {
      const path = `/plugins/${inPath(name)}`;
      const { PluginReference = "" }: Partial<Plugin> = await engine.getJson<Plugin>(`${path}/json`);
      const local = await sentPluginSource(PluginReference);
      const headers = isRegistryReference(PluginReference) ? authHeader(context, parseImageName(PluginReference).registry) : {};
      await engine.postAndForget(`${path}/reload`, local === undefined ? { headers } : { body: local.body });
      return name;
    });
  },
});
