import { messageChain } from "@pouchcontainer/errors";
import { readClientConfig, writeClientConfig } from "../../client-config.ts";
import { defineCommand, maxArgs } from "../../command.ts";
import { helperFor } from "../../image/credential-helper.ts";
import { hubServer, keysOf, serverOf } from "../../image/credentials.ts";

export const command = defineCommand({
  usage: "[SERVER]",
  args: maxArgs(1),
  flags: {},
  examples: [{ does: "Forget the login of a registry", run: "pouch logout registry.example.com" }],
  async run(context, { args }) {
    const server = args[0] === undefined ? hubServer : serverOf(args[0].replace(/^https?:\/\//, "").replace(/\/$/, ""));
    const config = readClientConfig(context.configFolder);
    const keys = keysOf(config, server);
    const helper = helperFor(config, server, context.env);
    if (keys.length === 0 && helper === undefined) {
      context.out.write(`Not logged in to ${server}\n`);
      return;
    }
    context.out.write(`Removing login credentials for ${server}\n`);
    if (keys.length > 0) {
      const others = Object.entries(config.auths ?? {}).filter(([key]) => !keys.includes(key));
      writeClientConfig(context.configFolder, { ...config, auths: Object.fromEntries(others) });
    }
    try {
      helper?.erase(server);
    } catch (error) {
      context.err.write(`WARNING: could not erase credentials:\n${server}: ${messageChain(error)}\n`);
    }
  },
});
