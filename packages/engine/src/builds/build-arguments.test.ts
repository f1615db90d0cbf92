import assert from "node:assert/strict";
import { test } from "node:test";
import { BuildArguments } from "./build-arguments.ts";

const given = new Map<string, string | undefined>([
  ["A", "given"],
  ["http_proxy", "http://proxy"],
  ["UNUSED", "1"],
  ["EMPTY", undefined],
]);

test("an argument counts where it is named, the client's value before its own", () => {
  const all = new BuildArguments(given);
  all.declareGlobally("G", "global");
  all.declareGlobally("A", "own");
  assert.deepEqual(Object.fromEntries(all.global), { G: "global", A: "given" });
  const stage = all.forStage();
  assert.deepEqual(Object.fromEntries(stage.visible), { http_proxy: "http://proxy" });
  stage.declare("A", "own");
  stage.declare("G", undefined);
  stage.declare("B", "own");
  stage.declare("EMPTY", "own");
  stage.declare("NONE", undefined);
  const seen = { A: "given", G: "global", B: "own", EMPTY: "own", http_proxy: "http://proxy" };
  assert.deepEqual(Object.fromEntries(stage.visible), seen);
  assert.deepEqual(Object.fromEntries(all.forStage().visible), { http_proxy: "http://proxy" });
});

test("what every build may have is not told, unless it is named; what nobody names is unused", () => {
  const all = new BuildArguments(given);
  const stage = all.forStage();
  assert.deepEqual([stage.isTold("http_proxy"), stage.isTold("A")], [false, true]);
  stage.declare("http_proxy", undefined);
  stage.declare("A", undefined);
  assert.ok(stage.isTold("http_proxy"));
  assert.deepEqual(all.unused, ["EMPTY", "UNUSED"]);
});
