import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePluginSet, pluginSetOf } from "./plugin-set.ts";

const read = (value: unknown) => parsePluginSet(JSON.stringify(value), "/etc/pouch/plugins.json");

test("sources are looked for beside the file, names of npm packages stay; a plugin is enabled unless it is not", () => {
  const sources = ["./limits", "../limits.tgz", "limits-1.0.0.tgz", "/opt/limits", "@us/limits@^2"];
  const set = read({ plugins: sources.map((source, index) => ({ name: `p${index}`, source })) });
  assert.deepEqual(
    set.plugins.map(({ source }) => source),
    ["/etc/pouch/limits", "/etc/limits.tgz", "/etc/pouch/limits-1.0.0.tgz", "/opt/limits", "@us/limits@^2"],
  );
  assert.deepEqual(read({ plugins: [{ name: "a" }, { name: "b", enabled: false, configuration: { x: 1 } }] }), {
    complete: false,
    plugins: [
      { name: "a", enabled: true },
      { name: "b", enabled: false, configuration: { x: 1 } },
    ],
  });
});

const broken: [unknown, RegExp][] = [
  [[], /^\/etc\/pouch\/plugins\.json: the value must be object/],
  [{}, /^\/etc\/pouch\/plugins\.json: .*required.*plugins/],
  [{ plugins: [{ name: "a", enabled: "yes" }] }, /^\S+: plugins\[0\]\.enabled must be boolean, got "yes"$/],
  [
    { plugins: [{ name: "a", sources: "./x" }] },
    /^\S+: plugins\[0\] .*\(sources\); its keys are name, source, version, enabled, config/,
  ],
  [{ plugins: [], whole: true }, /\(whole\); its keys are complete, plugins$/],
  [{ plugins: [{ name: "a" }, { name: "a" }] }, /^\S+: plugins\[1\]\.name must be another plugin's, "a" is in the list already$/],
];

for (const [value, message] of broken)
  test(`a set ${JSON.stringify(value)} is refused with its key and what would be right`, () => {
    assert.throws(() => read(value), { kind: "invalidArgument", message });
  });

test("a file that is no JSON is refused by its name", () => {
  assert.throws(() => parsePluginSet("{", "/p.json"), /^EngineError: \/p\.json is not valid JSON: /);
  const twice = '{ "plugins": [{ "name": "a", "enabled": false }],\n  "plugins": [] }';
  assert.throws(
    () => parsePluginSet(twice, "/p.json"),
    /\/p\.json .*: plugins is there twice, the second time at line 2, column 3/,
  );
});

test("what is no file names its sources by whole paths", () => {
  const at = (source: string) => pluginSetOf({ plugins: [{ name: "a", source }] }, "the set").plugins[0]?.source;
  assert.deepEqual(["/opt/a", "a@1.0.0"].map(at), ["/opt/a", "a@1.0.0"]);
  assert.throws(() => at("./a"), {
    message: /^the set: plugins\[0\]\.source must be an absolute path on the daemon's host, .*"\.\/a"$/,
  });
});
