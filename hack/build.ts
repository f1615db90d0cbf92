/**
 * Builds the executables. `bin/pouchd` is one file: Node, the bundled daemon and the plugins `hack/module` added.
 * `bin/pouch` is compiled by Bun, whose start is several times faster than Node's. `bin/plugin-sdk.tgz` is what plugins are written with.
 */
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { daemonScriptFrame } from "../packages/pouchd/src/daemon-script.ts";
import { buildDirectory, builtinPlugins } from "./builtin-plugins.ts";
import { buildPluginSdk } from "./plugin-sdk-package.ts";

const root = resolve(import.meta.dirname, "..");
/** POUCH_BIN_DIR: where the executables go; default: bin/ of the repository. */
const bin = resolve(process.env["POUCH_BIN_DIR"] ?? join(root, "bin"));
const work = buildDirectory;

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

function gitCommit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}

const constants = {
  __POUCH_VERSION__: JSON.stringify(version),
  __POUCH_COMMIT__: JSON.stringify(gitCommit()),
  __POUCH_BUILD_TIME__: JSON.stringify(new Date().toISOString()),
};

/** V8 takes compiled code only where it runs with the flags it was compiled with. */
const v8Flags = ["--max-semi-space-size=2", "--initial-heap-size=64"];

async function bundle(entry: string, name: string, frame = { banner: "", footer: "" }): Promise<string> {
  const outfile = join(work, name);
  await build({
    entryPoints: [join(root, "packages/pouchd/src", entry)],
    outfile,
    bundle: true,
    platform: "node",
    target: "node26",
    // V8's compiled code can be kept for this format only: it is most of the time a start takes.
    format: "cjs",
    // Names stay, for stack traces that can be read; white space only costs memory.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
    define: constants,
    banner: { js: frame.banner },
    footer: { js: frame.footer },
    plugins: [builtinPlugins()],
  });
  return outfile;
}

async function buildDaemon(): Promise<string> {
  const [first, daemon] = await Promise.all([
    bundle("executable.ts", "executable.cjs"),
    bundle("main.ts", "pouchd.cjs", daemonScriptFrame),
  ]);
  // esbuild writes what is not ASCII as escapes, but not in regular expressions.
  if (/[^\0-\x7f]/.test(readFileSync(daemon, "latin1"))) throw new Error(`${daemon} has characters that are not ASCII`);
  const cache = join(work, "pouchd.cache");
  execFileSync(process.execPath, [...v8Flags, join(root, "hack/code-cache.ts"), daemon, cache], { stdio: "inherit" });
  const executable = join(bin, "pouchd");
  const config = join(work, "sea.json");
  writeFileSync(
    config,
    JSON.stringify({
      main: first,
      mainFormat: "commonjs",
      output: `${executable}.new`,
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
      assets: { "pouchd.cjs": daemon, "pouchd.cache": cache },
      // SIGUSR1 would open Node's debugger, and with it this process to every user of the host.
      execArgv: [
        "--disable-sigusr1",
        "--experimental-ffi",
        "--disable-warning=ExperimentalWarning",
        ...v8Flags,
        "--v8-pool-size=2",
      ],
      execArgvExtension: "none",
    }),
  );
  execFileSync(process.execPath, [...v8Flags, "--build-sea", config], { stdio: ["ignore", "ignore", "inherit"] });
  // A running daemon keeps the old file: renaming over it never fails with "text file busy".
  renameSync(`${executable}.new`, executable);
  return executable;
}

function buildClient(): string {
  const executable = join(bin, "pouch");
  const args = [
    "build",
    "--compile",
    "--bytecode",
    "--minify",
    // Nothing of the folder it is called in: a .env there must neither choose the daemon nor reach a container.
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    "--outfile",
    `${executable}.new`,
    join(root, "packages/cli/src/main.ts"),
  ];
  for (const [name, value] of Object.entries(constants)) args.push("--define", `${name}=${value}`);
  execFileSync(join(root, "node_modules/.bin/bun"), args, { cwd: work, stdio: ["ignore", "ignore", "inherit"] });
  renameSync(`${executable}.new`, executable);
  return executable;
}

const builders: Record<string, () => string | Promise<string>> = {
  pouchd: buildDaemon,
  pouch: buildClient,
  "plugin-sdk.tgz": () => buildPluginSdk(bin),
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(builders);
mkdirSync(bin, { recursive: true });
mkdirSync(work, { recursive: true });
for (const name of wanted) {
  const builder = builders[name];
  if (!builder) {
    console.error(`hack/build: no executable "${name}": one of ${Object.keys(builders).join(", ")}`);
    process.exit(2);
  }
  const started = performance.now();
  const file = await builder();
  const megabytes = (statSync(file).size / 1e6).toFixed(0);
  console.error(`build: ${file}, ${megabytes} MB, ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
