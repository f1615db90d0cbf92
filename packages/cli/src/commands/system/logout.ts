import { readClientConfig, writeClientConfig } from "../../client-config.ts";
import { defineCommand, maxArgs } from "../../command.ts";
import { hubServer, serverOf } from "../../image/credentials.ts";

export const command = defineCommand({
  usage: "[SERVER]",
  args: maxArgs(1),
  flags: {},
  examples: [{ does: "Forget the login of a registry", run: "pouch logout registry.example.com" }],
  async run(context, { args }) {
    const server = args[0] === undefined ? hubServer : serverOf(args[0].replace(/^https?:\/\//, "").replace(/\/$/, ""));
    const config = readClientConfig(context.configFolder);
    const { [server]: login, ...others } = config.auths ?? {};
    if (login === undefined) {
      context.out.write(`Not logged in to ${server}\n`);
      return;
    }
    writeClientConfig(context.configFolder, { ...config, auths: others });
    context.out.write(`Removing login credentials for ${server}\n`);
  },
});
