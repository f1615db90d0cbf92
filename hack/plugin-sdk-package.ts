/**
 * Makes the published form of `@pouchcontainer/plugin-sdk`: one JavaScript file per entry that runs on Node 20 and newer, type
 * declarations without any import from this repository, no dependencies. `bin/plugin-sdk.tgz` is what `npm install` takes.
 */
import {
  ContainerCreateConfig,
  ContainerInspect,
  ExecCreateConfig,
  NetworkCreateConfig,
  Volume,
  VolumeCreateConfig,
} from "@pouchcontainer/api";
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { buildDirectory } from "./builtin-plugins.ts";
import { interfaceText } from "./schema-to-type.ts";

const root = resolve(import.meta.dirname, "..");
const source = join(root, "packages/plugin-sdk/src");
/** Types of the API that the SDK's declarations speak of and that are derived from schemas. */
const derived = { ContainerCreateConfig, ContainerInspect, ExecCreateConfig, NetworkCreateConfig, Volume, VolumeCreateConfig };

export async function buildPluginSdk(bin: string): Promise<string> {
  const out = join(buildDirectory, "plugin-sdk");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  await build({
    entryPoints: { index: join(source, "index.ts"), testing: join(source, "testing/index.ts") },
    outdir: out,
    bundle: true,
    splitting: true,
    chunkNames: "shared-[hash]",
    platform: "node",
    target: "node20",
    format: "esm",
    legalComments: "none",
    logLevel: "warning",
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
  declarations(out);
  const { version, license } = JSON.parse(readFileSync(join(root, "packages/plugin-sdk/package.json"), "utf8")) as Record<
    string,
    string
  >;
  const manifest = {
    name: "@pouchcontainer/plugin-sdk",
    version,
    license,
    description: "Write plugins for PouchContainer",
    type: "module",
    engines: { node: ">=20.11" },
    exports: {
      ".": { types: "./types/plugin-sdk/index.d.ts", default: "./index.js" },
      "./testing": { types: "./types/plugin-sdk/testing/index.d.ts", default: "./testing.js" },
    },
  };
  writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  cpSync(join(root, "LICENSE"), join(out, "LICENSE"));
  const archive = join(bin, "plugin-sdk.tgz");
  mkdirSync(bin, { recursive: true });
  execFileSync("tar", ["-czf", `${archive}.new`, "--transform=s,^\\.,package,", "-C", out, "."]);
  renameSync(`${archive}.new`, archive);
  return archive;
}

function declarations(out: string): void {
  const emitted = join(buildDirectory, "plugin-sdk-types");
  rmSync(emitted, { recursive: true, force: true });
  const config = join(buildDirectory, "plugin-sdk-tsconfig.json");
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        typeRoots: [join(root, "node_modules/@types")],
        declaration: true,
        emitDeclarationOnly: true,
        outDir: emitted,
        rootDir: join(root, "packages"),
      },
      include: [],
      // What is reached through node_modules only would count as somebody else's and not be emitted.
      files: [
        join(source, "index.ts"),
        join(source, "testing/index.ts"),
        join(root, "packages/errors/src/index.ts"),
        join(root, "packages/api/src/handler-spec.ts"),
      ],
    }),
  );
  execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", config], { stdio: ["ignore", "inherit", "inherit"] });
  const types = join(out, "types");
  cpSync(join(emitted, "plugin-sdk/src"), join(types, "plugin-sdk"), { recursive: true });
  cpSync(join(emitted, "errors/src"), join(types, "errors"), { recursive: true });
  cpSync(join(emitted, "api/src/handler-spec.d.ts"), join(types, "api/handler-spec.d.ts"));
  const lines = Object.entries(derived).map(([name, schema]) => `${interfaceText(name, schema)}\n`);
  writeFileSync(
    join(types, "api/index.d.ts"),
    `export type { Handler, HandlerSpec, PathParams } from "./handler-spec.js";\n\n${lines.join("\n")}`,
  );
  for (const file of readdirSync(types, { recursive: true, encoding: "utf8" })) if (file.endsWith(".d.ts")) detach(types, file);
}

/** Declarations of what authors do not see are left out; the rest refers to nothing outside the package. */
function detach(types: string, file: string): void {
  const path = join(types, file);
  const text = readFileSync(path, "utf8");
  if (text.includes('from "typebox')) return rmSync(path);
  const up = relative(dirname(file), ".") || ".";
  writeFileSync(
    path,
    text.replaceAll(/"@pouchcontainer\/(api|errors)"/g, `"${up}/$1/index.js"`).replaceAll(/(from "\.[^"]*)\.ts"/g, '$1.js"'),
  );
}
