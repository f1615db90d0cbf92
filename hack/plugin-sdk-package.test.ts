import { pluginKinds, pointNames } from "@pouchcontainer/plugin-sdk";
import { parseManifest } from "@pouchcontainer/plugin-sdk/host";
import { pluginTemplate, templateLanguages, type TemplateLanguage } from "@pouchcontainer/plugin-sdk/template";
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { buildPluginSdk } from "./plugin-sdk-package.ts";

const root = resolve(import.meta.dirname, "..");
const scratch = mkdtempSync(join(tmpdir(), "sdk-"));
const sdk = join(scratch, "package");

before(async () => {
  const archive = await buildPluginSdk(scratch);
  execFileSync("tar", ["-xzf", archive, "-C", scratch]);
});
after(() => rmSync(scratch, { recursive: true, force: true }));

test("the published SDK refers to nothing outside itself and Node", () => {
  for (const file of readdirSync(sdk, { recursive: true, encoding: "utf8" })) {
    if (!/\.(js|d\.ts)$/.test(file)) continue;
    for (const [, specifier] of readFileSync(join(sdk, file), "utf8").matchAll(/^(?:import|export)\b[^;]*? from "([^"]+)"/gm)) {
      assert.match(specifier ?? "", /^(\.\.?\/|node:)/, `${file} imports ${specifier}`);
    }
  }
});

/** The published types know what goes into a point and what comes out: each of these is an error. */
const wrongCalls = `import type { PluginUnderTest } from "@pouchcontainer/plugin-sdk/testing";

export async function wrongCalls(plugin: PluginUnderTest): Promise<void> {
  // @ts-expect-error there is no such point
  await plugin.call("container.preCreat", {});
  // @ts-expect-error a config is no number
  await plugin.call("container.preCreate", { config: 5 });
  // @ts-expect-error it answers a config
  (await plugin.call("volume.preVolumeCreate", { config: {} })).endpoint;
}
`;

interface Made {
  folder: string;
  language: TemplateLanguage;
  tests: number;
}

/** A plugin of every kind and one of every point, in every language. */
function makeAll(): Made[] {
  const wishes = [
    ...pluginKinds.map((kind) => ({ label: kind, kind })),
    ...pointNames.map((point) => ({ label: point.replaceAll(/[^a-z]/gi, "-").toLowerCase(), points: [point] })),
    { label: "all", points: [...pointNames] },
    { label: "several", points: ["container.preCreate", "image.postPull", "container.validateCreate", "api.updateHandler"] },
  ];
  return templateLanguages.flatMap((language) =>
    wishes.map(({ label, ...wish }) => {
      const name = `${label}-${language}`;
      const folder = join(scratch, "made", name);
      mkdirSync(folder, { recursive: true });
      const files = pluginTemplate({ name, sdk: "1", language, ...wish });
      for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);
      const { points } = parseManifest(JSON.parse(files["package.json"] ?? ""));
      return { folder, language, tests: Object.keys(points).length + (language === "python" ? 1 : 0) };
    }),
  );
}

test("a new plugin of every kind and every point, in every language, passes its own test", async () => {
  const made = makeAll();
  const modules = join(scratch, "made/node_modules");
  mkdirSync(join(modules, "@pouchcontainer"), { recursive: true });
  symlinkSync(sdk, join(modules, "@pouchcontainer/plugin-sdk"));
  symlinkSync(join(root, "node_modules/@types"), join(modules, "@types"));
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  for (const { folder, tests } of made.filter(({ language }) => language === "python")) {
    const { stderr } = spawnSync("python3", ["-B", "-m", "unittest"], { cwd: folder, encoding: "utf8" });
    assert.match(stderr, new RegExp(`Ran ${tests} tests? in [^]*\nOK\n$`), folder);
  }
  const scripts = made.filter(({ language }) => language !== "python");
  const files = scripts.map(({ folder, language }) => join(folder, `index.test.${language === "typescript" ? "ts" : "js"}`));
  // As one process, where `npm test` in each folder would be one each.
  const said = spawnSync(process.execPath, ["--test", "--test-isolation=none", "--test-reporter=tap", ...files], {
    cwd: scratch,
    env,
    encoding: "utf8",
  }).stdout;
  const expected = scripts.reduce((sum, { tests }) => sum + tests, 0);
  assert.match(said, new RegExp(`# pass ${expected}\n# fail 0`), said.slice(-2000));

  files.push(join(scratch, "made/wrong-calls.ts"));
  writeFileSync(files.at(-1) ?? "", wrongCalls);
  const tsconfig = { ...JSON.parse(pluginTemplate({ name: "a", sdk: "1" })["tsconfig.json"] ?? ""), files };
  writeFileSync(join(scratch, "made/tsconfig.json"), JSON.stringify(tsconfig));
  const checked = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", join(scratch, "made")], { encoding: "utf8" });
  assert.equal(checked.stdout, "");
  assert.equal(checked.status, 0, checked.stderr);
});

test("a new plugin asks for what the code of its points does, and for nothing else", () => {
  const asked = (points: string[]): unknown =>
    JSON.parse(pluginTemplate({ name: "demo", sdk: "1", points })["package.json"] ?? "").pouch.permissions;
  assert.deepEqual(asked(["container.postCreate"]), {});
  assert.deepEqual(asked(["container.preCreate", "container.preStart", "volume.preVolumeCreate", "api.updateHandler"]), {
    fields: { "container.preCreate": ["HostConfig.PidsLimit"], "volume.preVolumeCreate": ["Labels.made-by"] },
    routes: ["add GET /demo"],
    hooks: true,
  });
});

test("a package has what its test and its check need, and nothing that the daemon would have to fetch", () => {
  for (const language of templateLanguages) {
    const { dependencies, devDependencies, scripts } = JSON.parse(
      pluginTemplate({ name: "a", sdk: "file:/x.tgz", language })["package.json"] ?? "",
    );
    assert.equal(dependencies, undefined);
    if (language === "python") assert.deepEqual([devDependencies, scripts], [undefined, { test: "python3 -m unittest" }]);
    else {
      assert.deepEqual(Object.keys(devDependencies), ["@pouchcontainer/plugin-sdk", "@types/node", "typescript"]);
      const ending = language === "typescript" ? "ts" : "js";
      assert.deepEqual(scripts, { test: `node --test *.test.${ending}`, check: "tsc -p ." });
    }
  }
});

test("a name, a kind or a point that is none is refused", () => {
  assert.throws(() => pluginTemplate({ name: "My Plugin", sdk: "1" }), /"My Plugin" is no name for a package/);
  assert.throws(
    () => pluginTemplate({ name: "demo", kind: "kernel", sdk: "1" }),
    /"kernel" is no kind of plugin: one of container, daemon/,
  );
  assert.throws(
    () => pluginTemplate({ name: "demo", kind: "volume", points: ["preStart"], sdk: "1" }),
    /"preStart" is no point of a volume plugin: one of volume\.preVolumeCreate, volume\.validateVolumeCreate, volume\.preRemove$/,
  );
  assert.throws(
    () => pluginTemplate({ name: "demo", points: ["preStart"], sdk: "1" }),
    /"preStart" is no point of a plugin: one of/,
  );
});
