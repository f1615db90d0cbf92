import type { PluginPrivilege, PluginPrivileges } from "@pouchcontainer/api";
import { cutText, legibleLine } from "@pouchcontainer/errors";
import { CliError } from "./cli-error.ts";
import type { EngineClient } from "./client/engine-client.ts";
import { confirm } from "./confirm.ts";
import type { CliContext } from "./context.ts";
import { bool } from "./flags/flag-types.ts";

/** Of commands that bring a plugin in. */
export const grantFlag = {
  "grant-all-permissions": bool("Grant all permissions necessary to run the plugin"),
};

/** `all`: whatever it asks for. */
type Granted = "all" | readonly PluginPrivilege[];

/** A package as a request has it: the package itself, or what the daemon finds it by. */
export interface SentPackage {
  body?: AsyncIterable<Uint8Array>;
  json?: unknown;
  headers?: Readonly<Record<string, string>>;
}

/**
 * Shows what a package asks for and was not granted yet, and asks whether to grant it. What is granted; undefined where there is nothing
 * to grant, or no package to show.
 */
export async function askForPrivileges(
  context: CliContext,
  engine: EngineClient,
  send: () => Promise<SentPackage | undefined>,
  grantAll: boolean | undefined,
): Promise<Granted | undefined> {
  if (grantAll === true) return "all";
  const sent = await send();
  if (sent === undefined) return undefined;
  const { Name, Missing, Fetches = [], Warning } = await engine.postJson<PluginPrivileges>("/plugins/privileges", { ...sent });
  if (Missing.length === 0) return undefined;
  if (Warning !== undefined) context.err.write(`WARNING: ${Warning}\n`);
  if (!context.stdin().isTTY)
    throw new CliError(
      `plugin "${Name}" is requesting privileges, and standard input is no terminal on which to ask for them:\n${listed(Missing)}${fetchesText(Fetches)}Run the command with --grant-all-permissions to grant them`,
    );
  context.out.write(`Plugin "${Name}" is requesting the following privileges:\n${listed(Missing)}${fetchesText(Fetches)}`);
  if (!(await confirm(context, "Do you grant the above permissions?")))
    throw new CliError(`permission denied while installing plugin ${Name}`);
  return Missing;
}

const namedFetches = 20;

/** What npm will be asked for, by names of the package's choosing. */
function fetchesText(fetches: readonly string[]): string {
  if (fetches.length === 0) return "";
  const more = fetches.length > namedFetches ? `, and ${fetches.length - namedFetches} more` : "";
  const names = legibleLine(
    fetches
      .slice(0, namedFetches)
      .map((one) => cutText(one, 256))
      .join(", "),
  );
  return `npm will be asked for ${fetches.length === 1 ? "1 package" : `${fetches.length} packages`} that it depends on: ${names}${more}\n`;
}

/** `privileges` in the query of a request that brings a package in. */
export function inQuery(granted: Granted | undefined): string | undefined {
  if (granted === undefined || granted === "all") return granted;
  return JSON.stringify(granted.map(({ Name, Value }) => ({ Name, Value })));
}

/** A line for each, as Docker shows them. */
export function listed(privileges: readonly PluginPrivilege[]): string {
  return privileges.map((privilege) => ` - ${privilegeText(privilege)}\n`).join("");
}

export function privilegeText({ Name, Value }: PluginPrivilege): string {
  return legibleLine(`${Name}: [${Value.join(", ")}]`);
}
