import { makeFolders, runProgram } from "@pouchcontainer/owners";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { EngineError } from "@pouchcontainer/errors";
import { pluginKinds, pluginTemplate } from "@pouchcontainer/plugin-sdk/template";
import { CliError } from "../../cli-error.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { clientVersion } from "../../version.ts";

export const command = defineCommand({
  usage: "[OPTIONS] FOLDER",
  description:
    "Makes a package that type-checks, has a test and runs, with the SDK in it. The folder's name is the plugin's. It is written in TypeScript where the machine's Node can run that (22.18), else in JavaScript with its types in comments.",
  args: exactArgs(1),
  flags: {
    javascript: bool("Write JavaScript, whatever Node there is"),
    kind: text("What it plugs into", {
      choices: [...pluginKinds],
      shownDefault: "container",
    }),
    typescript: bool("Write TypeScript, whatever Node there is"),
    sdk: text("Version of the SDK, or the path of its folder or archive, for package.json"),
  },
  examples: [
    {
      does: "A plugin in four commands",
      run: "pouch plugin init demo --kind container && cd demo && npm test && pouch plugin install .",
    },
  ],
  async run(context, { flags, args }) {
    const folder = resolve(argument(args, 0));
    const javascript = flags.javascript || (!flags.typescript && !(await nodeRunsTypeScript()));
    const files = filesOf(basename(folder), flags.kind, sdkOf(flags.sdk), javascript);
    await makeFolders(dirname(folder));
    await mkdir(folder).catch((error: unknown) => {
      throw new CliError(`cannot make ${argument(args, 0)}: ${error instanceof Error ? error.message : String(error)}`);
    });
    for (const [path, content] of Object.entries(files)) {
      await makeFolders(dirname(join(folder, path)));
      await writeFile(join(folder, path), content);
      context.out.write(`${join(argument(args, 0), path)}\n`);
    }
    if (flags.sdk === undefined && existsSync(builtSdk)) await unpackSdk(join(folder, "node_modules/@pouchcontainer/plugin-sdk"));
    else if (flags.sdk === undefined)
      context.err.write(
        `The SDK is not beside this command line (${builtSdk}): package.json asks for it by its version, and the tests need it. ` +
          "--sdk names its archive, plugin-sdk.tgz of the build.\n",
      );
    if (javascript && !flags.javascript)
      context.out.write(
        "The node on PATH cannot run TypeScript (22.18 can), so this is JavaScript; --typescript writes it all the same.\n",
      );
  },
});

/** The archive that was built with this command line and lies beside it. */
const builtSdk = join(dirname(process.execPath), "plugin-sdk.tgz");

/** Puts the SDK where `npm install` would, so that the tests run at once and without a network. */
async function unpackSdk(folder: string): Promise<void> {
  await makeFolders(folder);
  await runProgram("tar", ["-xzf", builtSdk, "--strip-components=1", "-C", folder]);
}

async function nodeRunsTypeScript(): Promise<boolean> {
  try {
    const { stdout } = await runProgram("node", ["--version"]);
    const [major = 0, minor = 0] = stdout.trim().slice(1).split(".").map(Number);
    return major > 22 || (major === 22 && minor >= 18);
  } catch {
    // No Node at all: the daemon brings its own, only the tests need one.
    return true;
  }
}

/** A path becomes npm's `file:` notation; without a word it is the archive beside this command line, or else its version. */
function sdkOf(given: string | undefined): string {
  if (given === undefined) return existsSync(builtSdk) ? `file:${builtSdk}` : `^${clientVersion}`;
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
