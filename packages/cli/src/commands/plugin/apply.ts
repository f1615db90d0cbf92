import type { PluginSetReport } from "@pouchcontainer/api";
import { EngineError } from "@pouchcontainer/errors";
import { parsePluginSet, type PluginSet } from "@pouchcontainer/plugin-sdk/host";
import { resolve } from "node:path";
import { CliError } from "../../cli-error.ts";
import { defineCommand, noArgs } from "../../command.ts";
import type { CliContext } from "../../context.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { readNamed } from "../../named-file.ts";
import { setReportText } from "../../plugin-set-report.ts";

export const command = defineCommand({
  usage: "-f FILE [OPTIONS]",
  description:
    "The file has the form of the daemon's --plugin-set: docs/operations.md has it. All of it is done or nothing: what fails leaves the plugins as they were. What holds already is left alone. Folders and archives are looked for on the daemon's host.",
  args: noArgs,
  flags: {
    "dry-run": bool("Show what would change, and change nothing"),
    file: text("JSON file of plugins; - for standard input", { short: "f" }),
  },
  examples: [
    { does: "What the file would change", run: "pouch plugin apply -f plugins.json --dry-run" },
    { does: "Do it", run: "pouch plugin apply -f plugins.json" },
  ],
  async run(context, { flags }) {
    if (flags.file === undefined) throw new CliError("plugin apply needs -f FILE: the file of plugins");
    const set = await readSet(context, flags.file);
    const engine = await context.engine();
    const report = await engine.postJson<PluginSetReport>("/plugins/apply", {
      query: { dryRun: flags["dry-run"] ? 1 : undefined },
      json: set,
    });
    context.out.write(setReportText(report));
  },
});

async function readSet(context: CliContext, file: string): Promise<PluginSet> {
  const content = await readNamed(context, file);
  try {
    // Relative paths begin at the folder that it is in; standard input is in the current one.
    return parsePluginSet(content, resolve(file === "-" ? "standard input" : file));
  } catch (error) {
    throw error instanceof EngineError ? new CliError(error.message) : error;
  }
}
