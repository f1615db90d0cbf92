import { conflict } from "@pouchcontainer/errors";
import { validatorName } from "./validator/validator-plugin.ts";

/** Plugins that the daemon makes of a flag, and that flag, which alone says whether they are called: what a record says is true of none of them. */
const flags: ReadonlyMap<string, string> = new Map([[validatorName, "--validator"]]);

export function isMadeOfFlag(plugin: string): boolean {
  return flags.has(plugin);
}

/** Their names are nobody else's, on daemons without the flag neither: with it, it would be another plugin that has the name. */
export function refuseReservedName(plugin: string): void {
  const flag = flags.get(plugin);
  if (flag !== undefined)
    throw conflict(`no plugin is installed under the name "${plugin}": it is the name of the rules of the daemon's ${flag}`);
}

/** Of a plugin that is compiled in: throws where a flag calls it, which nobody takes out of the chains or has nothing of it applied. */
export function refuseAgainstFlag(plugin: string): void {
  const flag = flags.get(plugin);
  if (flag !== undefined)
    throw conflict(
      `plugin ${plugin} is the rules of the daemon's ${flag}, which hold as long as it has that flag: start it without ${flag} to be without them`,
    );
}
