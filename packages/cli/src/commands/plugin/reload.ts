import type { Plugin } from "@pouchcontainer/api";
import { defineCommand, minArgs } from "../../command.ts";
import { forEachName, inPath } from "../../for-each-name.ts";
import { authHeader } from "../../image/credentials.ts";
import { parseImageName } from "../../image/reference.ts";
import { askForPrivileges, grantFlag, inQuery, type SentPackage } from "../../plugin-privileges.ts";
import { isRegistryReference, sentPluginSource } from "../../plugin-source.ts";

export const command = defineCommand({
  usage: "[OPTIONS] PLUGIN [PLUGIN...]",
  args: minArgs(1),
  flags: grantFlag,
  description:
    "What a plugin was installed from is looked at again: its folder or archive on this host, which is sent, its reference in a registry, which is pulled again (a digest stays what it is), or its package. The new version is started and checked before it takes over; calls under way end in the old one. A new version that fails leaves the old one in place, and so does one that asks for more than was granted, until that is granted.",
  examples: [{ does: "Take over what changed in its folder", run: "pouch plugin reload net-qos" }],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    return await forEachName(context, args, async (name) => {
      const path = `/plugins/${inPath(name)}`;
      const { PluginReference = "" }: Partial<Plugin> = await engine.getJson<Plugin>(`${path}/json`);
      const headers = isRegistryReference(PluginReference) ? authHeader(context, parseImageName(PluginReference).registry) : {};
      const packed = async (): Promise<SentPackage | undefined> => {
        const local = await sentPluginSource(PluginReference);
        if (local !== undefined) return { body: local.body };
        return isRegistryReference(PluginReference) ? { json: { source: PluginReference }, headers } : undefined;
      };
      // Of what else the daemon fetches itself it says what lacks a grant.
      const privileges = await askForPrivileges(context, engine, packed, flags["grant-all-permissions"]);
      const body = (await packed())?.body;
      await engine.postAndForget(`${path}/reload`, {
        query: { privileges: inQuery(privileges) },
        ...(body === undefined ? { headers } : { body }),
      });
      return name;
    });
  },
});
