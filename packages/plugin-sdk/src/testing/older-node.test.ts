import assert from "node:assert/strict";
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { test, type TestContext } from "node:test";
import { pluginTemplate, type TemplateLanguage } from "../template/plugin-template.ts";
import { sampledPoints } from "../template/point-samples.ts";

/** What came into Node after 20.11, on which the SDK is said to run. */
const newer = `
for (const [owner, names] of [
  [JSON, ["rawJSON", "isRawJSON"]],
  [Object, ["groupBy"]],
  [Map, ["groupBy"]],
  [Array, ["fromAsync"]],
  [Promise, ["withResolvers", "try"]],
  [RegExp, ["escape"]],
  [Set.prototype, ["union", "intersection", "difference", "symmetricDifference", "isSubsetOf", "isSupersetOf", "isDisjointFrom"]],
  [globalThis.Iterator.prototype, ["map", "filter", "take", "drop", "flatMap", "reduce", "toArray", "forEach", "some", "every", "find"]],
]) for (const name of names) delete owner[name];`;

/** Runs the tests of a new plugin, in whose folder `program` is started. */
function testsOf(
  t: TestContext,
  language: TemplateLanguage,
  program: readonly [string, ...string[]],
  options = "",
): SpawnSyncReturns<string> {
  const folder = mkdtempSync(join(tmpdir(), "pouch-older-node-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = pluginTemplate({ name: "older", language, points: sampledPoints, sdk: "*" });
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);
  const sdk = join(folder, "node_modules/@pouchcontainer/plugin-sdk");
  mkdirSync(dirname(sdk), { recursive: true });
  symlinkSync(resolve(import.meta.dirname, "../.."), sdk);
  const { NODE_TEST_CONTEXT: _ours, ...inherited } = process.env;
  const [command, ...args] = program;
  return spawnSync(command, args, { cwd: folder, env: { ...inherited, NODE_OPTIONS: options }, encoding: "utf8" });
}

test("a plugin's tests run on a Node that knows less than the daemon's", (t) => {
  const preload = `--import=data:text/javascript,${encodeURIComponent(newer)}`;
  const { status, stdout, stderr } = testsOf(t, "javascript", [process.execPath, preload, "index.test.js"]);
  assert.equal(status, 0, stdout + stderr);
});

test("the tests of a plugin in TypeScript fail on a Node that does not run it", (t) => {
  const { status, stdout } = testsOf(t, "typescript", ["npm", "test"], "--no-strip-types");
  assert.notEqual(status, 0, stdout);
  assert.match(stdout, /index\.test\.ts/);
});
