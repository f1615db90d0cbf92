import { makeFolders, runProgram } from "@pouchcontainer/owners";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { EngineError } from "@pouchcontainer/errors";
import {
  pluginKinds,
  pluginTemplate,
  templateLanguages,
  type TemplateLanguage,
  type TemplateOptions,
} from "@pouchcontainer/plugin-sdk/template";
import { CliError } from "../../cli-error.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool, list, text } from "../../flags/flag-types.ts";
import { pathFailure } from "../../named-file.ts";
import { clientVersion } from "../../version.ts";

export const command = defineCommand({
  usage: "[OPTIONS] FOLDER",
  description:
    "Makes a package that type-checks, has a test and runs, with the SDK in it. The folder's name is the plugin's. It is written in TypeScript where the machine's Node can run that (22.18), else in JavaScript with its types in comments; in Python it speaks the wire protocol, with the standard library alone.",
  args: exactArgs(1),
  flags: {
    javascript: bool("The same as --language javascript"),
    kind: text("What it plugs into", {
      choices: [...pluginKinds],
      shownDefault: "container",
    }),
    language: text("Write this language, whatever Node there is", { choices: [...templateLanguages] }),
    point: list("Point it implements, such as container.preStart (repeatable); without, the kind's first ones"),
    typescript: bool("The same as --language typescript"),
    sdk: text("Version of the SDK, or the path of its folder or archive, for package.json"),
  },
  examples: [
    {
      does: "A plugin in four commands",
      run: "pouch plugin init demo --kind container && cd demo && npm test && pouch plugin install .",
    },
    {
      does: "One in Python, for two points",
      run: "pouch plugin init limits --language python --point container.preCreate --point container.preStart",
    },
  ],
  async run(context, { flags, args }) {
    const folder = resolve(argument(args, 0));
    const asked = askedLanguage(flags);
    const node = await nodeOnPath();
    const language = asked ?? (node === undefined || runsTypeScript(node) ? "typescript" : "javascript");
    const { kind, point: points, sdk } = flags;
    const files = filesOf({ name: basename(folder), sdk: sdkOf(sdk), language, points, ...(kind === undefined ? {} : { kind }) });
    for (const [path, make] of [
      [dirname(folder), makeFolders],
      [folder, mkdir],
    ] as const)
      await make(path).catch((error: unknown) => {
        throw pathFailure("make the folder", path, error);
      });
    for (const [path, content] of Object.entries(files)) {
      await makeFolders(dirname(join(folder, path)));
      await writeFile(join(folder, path), content);
      context.out.write(`${join(argument(args, 0), path)}\n`);
    }
    if (language === "python") return;
    if (flags.sdk === undefined && existsSync(builtSdk)) await unpackSdk(join(folder, "node_modules/@pouchcontainer/plugin-sdk"));
    else if (flags.sdk === undefined)
      context.err.write(
        `The SDK is not beside this command line (${builtSdk}): package.json asks for it by its version, and the tests need it. ` +
          "--sdk names its archive, plugin-sdk.tgz of the build.\n",
      );
    if (asked === undefined && language === "javascript")
      context.out.write(
        "The node on PATH cannot run TypeScript (22.18 can), so this is JavaScript; --language typescript writes it all the same.\n",
      );
    if (node !== undefined && !runsTests(node, language))
      context.err.write(
        `npm test needs Node ${language === "typescript" ? "22.18" : "20.11"}, and the node on PATH is ${node.join(".")}.\n`,
      );
  },
});

/** Undefined where none is asked for. */
function askedLanguage(flags: {
  language: string | undefined;
  javascript: boolean;
  typescript: boolean;
}): TemplateLanguage | undefined {
  const asked = templateLanguages.filter((one) => flags.language === one || (one !== "python" && flags[one]));
  if (asked.length > 1) throw new CliError(`a plugin is in one language, not in ${asked.join(" and ")}`);
  return asked[0];
}

/** The archive that was built with this command line and lies beside it. */
const builtSdk = join(dirname(process.execPath), "plugin-sdk.tgz");

/** Puts the SDK where `npm install` would, so that the tests run at once and without a network. */
async function unpackSdk(folder: string): Promise<void> {
  await makeFolders(folder);
  await runProgram("tar", ["-xzf", builtSdk, "--strip-components=1", "-C", folder]);
}

type NodeVersion = readonly [major: number, minor: number];

/** Undefined where there is none: the daemon brings its own, only the tests need one. */
async function nodeOnPath(): Promise<NodeVersion | undefined> {
  try {
    const { stdout } = await runProgram("node", ["--version"]);
    const [major = 0, minor = 0] = stdout.trim().slice(1).split(".").map(Number);
    return [major, minor];
  } catch {
    return undefined;
  }
}

function runsTypeScript(node: NodeVersion): boolean {
  return isAtLeast(node, [22, 18]);
}

function runsTests(node: NodeVersion, language: TemplateLanguage): boolean {
  return language === "typescript" ? runsTypeScript(node) : isAtLeast(node, [20, 11]);
}

function isAtLeast([major, minor]: NodeVersion, [leastMajor, leastMinor]: NodeVersion): boolean {
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

/** A path becomes npm's `file:` notation; without a word it is the archive beside this command line, or else its version. */
function sdkOf(given: string | undefined): string {
  if (given === undefined) return existsSync(builtSdk) ? `file:${builtSdk}` : `^${clientVersion}`;
  return /^[./]/.test(given) ? `file:${resolve(given)}` : given;
}

function filesOf(options: TemplateOptions): Record<string, string> {
  try {
    return pluginTemplate(options);
  } catch (error) {
    if (error instanceof EngineError) throw new CliError(error.message);
    throw error;
  }
}
