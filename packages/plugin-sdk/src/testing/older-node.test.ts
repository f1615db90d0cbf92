import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { pluginTemplate } from "../template/plugin-template.ts";
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

test("a plugin's tests run on a Node that knows less than the daemon's", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "pouch-older-node-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = pluginTemplate({ name: "older", language: "javascript", points: sampledPoints, sdk: "*" });
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);
  const sdk = join(folder, "node_modules/@pouchcontainer/plugin-sdk");
  mkdirSync(dirname(sdk), { recursive: true });
  symlinkSync(resolve(import.meta.dirname, "../.."), sdk);
  const { NODE_TEST_CONTEXT: _ours, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`--import=data:text/javascript,${encodeURIComponent(newer)}`, "index.test.js"],
    { cwd: folder, env, encoding: "utf8" },
  );
  assert.equal(status, 0, stdout + stderr);
});
