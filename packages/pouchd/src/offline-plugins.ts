import type { StoredPlugin } from "@pouchcontainer/engine";
import { failedPrecondition, isKind } from "@pouchcontainer/errors";
import { existsSync } from "node:fs";
import { builtinPlugins } from "./builtin-plugins.ts";
import { storeFile } from "./compose/store-file.ts";
import type { Configuration } from "./config/options.ts";
import type { PluginCommand } from "./config/plugin-command.ts";

/** Looks at, or changes, which plugins a daemon calls that is down; says what came of it. Refused while it runs: its store is its own. */
export async function offlinePlugins(command: PluginCommand, configuration: Configuration): Promise<string> {
  process.umask(0o077);
  const home = configuration["home-dir"];
  const file = storeFile(home);
  if (!existsSync(file))
    throw failedPrecondition(`there is no database ${file}: ${home} is no daemon's home, --home-dir names the one that is meant`);
  const { Store, StoredPlugins } = await import("@pouchcontainer/engine");
  const store = openStore(() => Store.open(file), home, command);
  try {
    const plugins = new StoredPlugins({ records: store.collection("plugins"), builtin: builtinPlugins });
    if (command.verb === "ls") return table(plugins.list());
    await plugins.setEnabled(command.name, command.verb === "enable");
    return `${command.name}\n`;
  } finally {
    await store.close();
  }
}

function openStore<T>(open: () => T, home: string, command: PluginCommand): T {
  try {
    return open();
  } catch (error) {
    if (!isKind(error, "unavailable")) throw error;
    const words = command.verb === "ls" ? "ls" : `${command.verb} ${command.name}`;
    throw failedPrecondition(
      `the daemon of ${home} runs: ask it, by \`pouch plugin ${words}\`, or stop it; pouchd plugin is for a daemon that is down`,
      { cause: error },
    );
  }
}

function table(plugins: readonly StoredPlugin[]): string {
  const rows = [
    ["NAME", "VERSION", "ORIGIN", "ENABLED", "MODE", "POINTS"],
    ...plugins.map(({ name, version, origin, enabled, mode, points }) => [
      name,
      version,
      origin,
      String(enabled),
      mode,
      points.join(","),
    ]),
  ];
  // All but the last.
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}\n`).join("");
}
