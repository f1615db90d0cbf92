import { ownCommand } from "./own-command.ts";

/** First argument that makes the executable the process of one installed plugin instead of the daemon. */
export const pluginChildArgument = "plugin-child";

/** How the process of the plugin in a folder is run. */
export const pluginChildCommand = (directory: string): { command: string; args: string[] } =>
  ownCommand(pluginChildArgument, directory);
