import { pluginKinds, splitPoint, type PluginKind, type PointName } from "../points.ts";
import { pointSamples } from "./point-samples.ts";

const sdk = "@pouchcontainer/plugin-sdk";

/** The files of a plugin in TypeScript or JavaScript, besides package.json. */
export function scriptFiles(points: readonly PointName[], extension: "ts" | "js"): Record<string, string> {
  return {
    [`index.${extension}`]: `${extension === "js" ? "// @ts-check\n" : ""}${moduleText(points)}`,
    [`index.test.${extension}`]: testText(points),
    "tsconfig.json": `${JSON.stringify(tsconfig, undefined, 2)}\n`,
  };
}

function moduleText(points: readonly PointName[]): string {
  const kinds = pluginKinds.filter((kind) => points.some((point) => splitPoint(point).kind === kind));
  const imports = [...kinds.map(registerName), ...points.flatMap((point) => pointSamples[point].imports ?? [])];
  const objects = kinds.map((kind) => {
    const methods = points.filter((point) => splitPoint(point).kind === kind).map((point) => pointSamples[point].script);
    return `${registerName(kind)}({\n${methods.join("\n")}\n});\n`;
  });
  return `${importText(imports, sdk)}\n${objects.join("\n")}`;
}

function testText(points: readonly PointName[]): string {
  const samples = points.map((point) => pointSamples[point]);
  const tests = points.map(
    (point) => `test("${point}", async () => {
  const plugin = await loadPlugin(import.meta.dirname);
${pointSamples[point].scriptTest}
});
`,
  );
  const fromSdk = samples.flatMap(({ testSdkImports = [] }) => testSdkImports);
  return `${importText(fromSdk, sdk)}${importText(["loadPlugin", ...samples.flatMap(({ testImports = [] }) => testImports)], `${sdk}/testing`)}import assert from "node:assert/strict";
import { test } from "node:test";

${tests.join("\n")}`;
}

function registerName(kind: PluginKind): string {
  return `register${kind.charAt(0).toUpperCase()}${kind.slice(1)}Plugin`;
}

function importText(names: readonly string[], from: string): string {
  const sorted = [...new Set(names)].toSorted();
  return sorted.length === 0 ? "" : `import { ${sorted.join(", ")} } from "${from}";\n`;
}

const tsconfig = {
  compilerOptions: {
    target: "esnext",
    module: "nodenext",
    types: ["node"],
    strict: true,
    noEmit: true,
    allowJs: true,
    checkJs: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    skipLibCheck: true,
  },
};
