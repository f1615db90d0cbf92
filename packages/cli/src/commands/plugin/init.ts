import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { EngineError } from "@pouchcontainer/errors";
import { pluginTemplate } from "@pouchcontainer/plugin-sdk/template";
import { CliError } from "../../cli-error.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { clientVersion } from "../../version.ts";

export const command = defineCommand({
  usage: "[OPTIONS] FOLDER",
  description: "Makes a package that type-checks, has a test and runs. The folder's name is the plugin's.",
  args: exactArgs(1),
  flags: {
    javascript: bool("Write JavaScript instead of TypeScript"),
    kind: text("What it plugs into", {
      choices: ["container", "daemon", "volume", "cri", "api", "image"],
      shownDefault: "container",
    }),
    sdk: text("Version of the SDK, or the path of its folder or archive, for package.json"),
  },
  examples: [
    {
      does: "A plugin in four commands",
      run: "pouch plugin init demo --kind container && cd demo && npm install && npm test && pouch plugin install .",
    },
  ],
  async run(context, { flags, args }) {
    const folder = resolve(argument(args, 0));
    const files = filesOf(basename(folder), flags.kind, sdkOf(flags.sdk), flags.javascript);
    await mkdir(dirname(folder), { recursive: true });
    await mkdir(folder).catch((error: unknown) => {
      throw new CliError(`cannot make ${argument(args, 0)}: ${error instanceof Error ? error.message : String(error)}`);
    });
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
      context.out.write(`${join(argument(args, 0), path)}\n`);
    }
  },
});

/**
 * A path becomes npm's `file:` notation; without a word it is the archive that was built with this command line, which lies beside it, or
 * else the version of this command line.
 */
function sdkOf(given: string | undefined): string {
  if (given === undefined) {
    const built = join(dirname(process.execPath), "plugin-sdk.tgz");
    return existsSync(built) ? `file:${built}` : `^${clientVersion}`;
  }
  return /^[./]/.test(given) ? `file:${resolve(given)}` : given;
}

function filesOf(name: string, kind: string | undefined, sdk: string, javascript: boolean): Record<string, string> {
  try {
    return pluginTemplate({
      name,
      sdk,
      language: javascript ? "javascript" : "typescript",
      ...(kind === undefined ? {} : { kind }),
    });
  } catch (error) {
    if (error instanceof EngineError) throw new CliError(error.message);
    throw error;
  }
}
