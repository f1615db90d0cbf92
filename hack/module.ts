/** `hack/module`: keeps the list of plugins that the build compiles into the daemon. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildDirectory, choosePlugins, chosenPlugins, readPlugin, type ChosenPlugin } from "./builtin-plugins.ts";

const help = `Usage: hack/module [--add-plugin=PLUGIN]... [--remove-plugin=NAME]... [--clean] [--list]

Chooses the plugins that are compiled into the daemon; "make build" does the compiling.

  --add-plugin=PLUGIN   a folder (./hookplugins/daemonplugin) or an npm package (my-plugin, @us/limits@^2);
                        may be given several times, and again for a new version
  --remove-plugin=NAME  the plugin of that name, as --list shows it
  --clean               forgets all plugins, before anything is added
  --list                one line per plugin: name, version, points, where it is from
  --help                this text

Examples:
  hack/module --add-plugin=./hookplugins/daemonplugin && make build
  hack/module --clean --add-plugin=./hookplugins/legacy-env --add-plugin=@us/limits
`;

const npmRoot = join(buildDirectory, "npm-plugins");

/** A folder stays where it is; a package is fetched with npm, whose scripts do not run. */
function locate(given: string): ChosenPlugin {
  if (given === "") throw new Error("--add-plugin needs a folder or an npm package");
  if (/^(\.|\/|~)/.test(given) || existsSync(given)) return { given, directory: resolve(given) };
  const name = /^(@[^/@]+\/)?[^/@]+/.exec(given)?.[0];
  if (name === undefined || !/^(@[a-z0-9._-]+\/)?[a-z0-9._-]+(@[^/]+)?$/i.test(given)) {
    throw new Error(`"${given}" is neither a folder nor the name of an npm package`);
  }
  mkdirSync(npmRoot, { recursive: true });
  try {
    execFileSync(
      "npm",
      ["install", "--prefix", npmRoot, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", given],
      {
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
  } catch (error) {
    throw new Error(`npm could not fetch "${given}" (is there a folder of that name missing?)`, { cause: error });
  }
  return { given, directory: join(npmRoot, "node_modules", name) };
}

function nameOf(plugin: ChosenPlugin): string {
  // Only the name is looked at here; readPlugin checked the file when the plugin was added.
  return (JSON.parse(readFileSync(join(plugin.directory, "package.json"), "utf8")) as { name: string }).name;
}

function list(plugins: readonly ChosenPlugin[]): string {
  if (plugins.length === 0) return "no plugins are compiled in\n";
  const lines = plugins.map((plugin) => {
    const { manifest } = readPlugin(plugin.directory);
    return `${manifest.name}  ${manifest.version}  ${Object.keys(manifest.points).join(",")}  ${plugin.given}\n`;
  });
  return lines.join("");
}

function run(): string {
  const { values } = parseArgs({
    options: {
      "add-plugin": { type: "string", multiple: true },
      "remove-plugin": { type: "string", multiple: true },
      clean: { type: "boolean" },
      list: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true || Object.keys(values).length === 0) return help;

  let plugins = values.clean === true ? [] : chosenPlugins();
  for (const name of values["remove-plugin"] ?? []) {
    const left = plugins.filter((plugin) => nameOf(plugin) !== name);
    if (left.length === plugins.length) throw new Error(`no plugin "${name}" is chosen; hack/module --list shows those that are`);
    plugins = left;
  }
  let said = "";
  for (const given of values["add-plugin"] ?? []) {
    const plugin = locate(given);
    const { manifest } = readPlugin(plugin.directory);
    plugins = [...plugins.filter((other) => nameOf(other) !== manifest.name), plugin];
    said += `added ${manifest.name} ${manifest.version} (${Object.keys(manifest.points).join(", ")}); "make build" compiles it in\n`;
  }
  choosePlugins(plugins);
  return values.list === true ? said + list(plugins) : said;
}

try {
  process.stdout.write(run());
} catch (error) {
  process.stderr.write(`hack/module: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
