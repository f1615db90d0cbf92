import { invalidArgument } from "@pouchcontainer/errors";

/** What `pouchd plugin` does to the plugins of a daemon that is down. */
export type PluginCommand = { verb: "ls" } | { verb: "disable" | "enable"; name: string };

/** The command in the words of a command line that are no flags; undefined where there are none. */
export function pluginCommandOf(words: readonly string[]): PluginCommand | undefined {
  const [room, verb, name, ...more] = words;
  if (room === undefined) return undefined;
  if (room !== "plugin")
    throw invalidArgument(`pouchd takes no arguments, got "${room}" (its one command is plugin); see pouchd --help`);
  if (verb === "ls" && name === undefined) return { verb };
  if ((verb === "disable" || verb === "enable") && name !== undefined && more.length === 0) return { verb, name };
  throw invalidArgument(
    `pouchd plugin takes ls, disable NAME or enable NAME, got ${JSON.stringify(words.slice(1).join(" "))}; see pouchd --help`,
  );
}
