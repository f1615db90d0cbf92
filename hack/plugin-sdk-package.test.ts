import { pluginKinds } from "@pouchcontainer/plugin-sdk";
import { pluginTemplate } from "@pouchcontainer/plugin-sdk/template";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
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

for (const kind of pluginKinds) {
  test(`a new ${kind} plugin type-checks and passes its own test`, () => {
    const folder = join(scratch, kind);
    mkdirSync(join(folder, "node_modules/@pouchcontainer"), { recursive: true });
    symlinkSync(sdk, join(folder, "node_modules/@pouchcontainer/plugin-sdk"));
    symlinkSync(join(root, "node_modules/@types"), join(folder, "node_modules/@types"));
    for (const [path, content] of Object.entries(pluginTemplate({ name: "demo", kind, sdk: "1" })))
      writeFileSync(join(folder, path), content);
    writeFileSync(join(folder, "wrong-calls.ts"), wrongCalls);
    execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", "."], { cwd: folder, stdio: "pipe" });
    const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
    const said = execFileSync(process.execPath, ["--test", "--test-reporter=tap"], { cwd: folder, env, encoding: "utf8" });
    assert.match(said, /# pass 1\n# fail 0/);
  });
}

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

test("a name or a kind that is none is refused", () => {
  assert.throws(() => pluginTemplate({ name: "My Plugin", sdk: "1" }), /"My Plugin" is no name for a package/);
  assert.throws(
    () => pluginTemplate({ name: "demo", kind: "kernel", sdk: "1" }),
    /"kernel" is no kind of plugin: one of container, daemon/,
  );
});
