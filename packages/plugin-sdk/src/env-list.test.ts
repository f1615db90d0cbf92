import assert from "node:assert/strict";
import { test } from "node:test";
import { getEnv, setEnv, unsetEnv } from "./env-list.ts";

test("the last of several values counts", () => {
  assert.equal(getEnv(["A=1", "AB=2", "A=3="], "A"), "3=");
  assert.equal(getEnv(["AB=2"], "A"), undefined);
  assert.equal(getEnv(undefined, "A"), undefined);
});

test("a variable is set in its place, once", () => {
  const env = ["A=1", "B=2", "A=3"];
  setEnv(env, "A", "x");
  setEnv(env, "C", "y");
  assert.deepEqual(env, ["A=x", "B=2", "C=y"]);
});

test("a variable is removed everywhere", () => {
  const env = ["A=1", "B=2", "A=3"];
  assert.deepEqual([unsetEnv(env, "A"), unsetEnv(env, "A"), env], [true, false, ["B=2"]]);
});
