import { parseManifest } from "@pouchcontainer/plugin-sdk/host";
import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import type { Plugin } from "esbuild";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** A plugin that was chosen to be compiled in. */
export interface ChosenPlugin {
  /** As it was given: a folder or an npm package. */
  given: string;
  /** Where its package.json is. */
  directory: string;
}

const root = resolve(import.meta.dirname, "..");
/**
 * A folder of the build's own: what was chosen is a matter of one checkout, not of the repository. POUCH_BUILD_DIR names
 * another one, for a second daemon with plugins of its own.
 */
export const buildDirectory = resolve(process.env["POUCH_BUILD_DIR"] ?? join(root, "build"));
const chosenFile = join(buildDirectory, "chosen-plugins.json");
const generatedModule = join(buildDirectory, "builtin-plugins.ts");

export function chosenPlugins(): ChosenPlugin[] {
  // Written by `choosePlugins` below.
  return existsSync(chosenFile) ? (JSON.parse(readFileSync(chosenFile, "utf8")) as ChosenPlugin[]) : [];
}

export function choosePlugins(plugins: readonly ChosenPlugin[]): void {
  mkdirSync(dirname(chosenFile), { recursive: true });
  writeFileSync(chosenFile, `${JSON.stringify(plugins, undefined, 2)}\n`);
}

/** Reads a plugin's package and checks what can be checked without running it. Throws with a message for a person. */
export function readPlugin(directory: string): { manifest: PluginManifest; packageJson: Record<string, unknown>; main: string } {
  const file = join(directory, "package.json");
  if (!existsSync(directory)) throw new Error(`there is no folder ${directory}`);
  if (!existsSync(file)) throw new Error(`${directory} has no package.json, so it is not a plugin`);
  let packageJson: Record<string, unknown>;
  try {
    // parseManifest checks every field.
    packageJson = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  const manifest = parseManifest(packageJson);
  if (manifest.command !== undefined) {
    throw new Error(
      `plugin "${manifest.name}" is a program (pouch.command) and cannot be compiled in: install it with "pouch plugin install"`,
    );
  }
  if (packageJson["policy"] !== undefined)
    throw new Error(
      `plugin "${manifest.name}" is a policy and needs no build: install it with "pouch plugin install ${directory}"`,
    );
  const main = join(directory, manifest.main);
  if (!existsSync(main)) throw new Error(`plugin "${manifest.name}" has no module ${main}: see "exports" in its package.json`);
  return { manifest, packageJson, main };
}

/** Writes the module that the daemon's build uses in place of `packages/pouchd/src/builtin-plugins.ts`. */
function generate(plugins: readonly ChosenPlugin[]): void {
  const entries = plugins.map(({ directory }) => {
    const { packageJson, main } = readPlugin(directory);
    const kept = Object.fromEntries(
      ["name", "version", "description", "main", "exports", "pouch"].map((key) => [key, packageJson[key]]),
    );
    const path = relative(dirname(generatedModule), main);
    const specifier = path.startsWith(".") ? path : `./${path}`;
    return `  { packageJson: ${JSON.stringify(kept)}, load: () => import(${JSON.stringify(specifier)}) },\n`;
  });
  mkdirSync(dirname(generatedModule), { recursive: true });
  writeFileSync(
    generatedModule,
    `// Written by hack/build from what hack/module chose.\nexport const builtinPlugins = [\n${entries.join("")}];\n`,
  );
}

/** esbuild plugin: the chosen plugins take the place of the empty list, and all of them share this repository's SDK. */
export function builtinPlugins(): Plugin {
  generate(chosenPlugins());
  return {
    name: "builtin-plugins",
    setup(build) {
      build.onResolve({ filter: /\/builtin-plugins\.ts$/ }, ({ importer }) =>
        importer.startsWith(join(root, "packages/pouchd/")) ? { path: generatedModule } : undefined,
      );
      build.onResolve({ filter: /^@pouchcontainer\/plugin-sdk(\/.*)?$/ }, ({ path }) => ({
        path: join(root, "packages/plugin-sdk/src", path.slice("@pouchcontainer/plugin-sdk".length), "index.ts"),
      }));
    },
  };
}
