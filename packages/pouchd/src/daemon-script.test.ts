import assert from "node:assert/strict";
import { test } from "node:test";
import { daemonScript, daemonScriptFrame } from "./daemon-script.ts";

test("the daemon's bundle imports modules that await at their top", async () => {
  const module = `data:text/javascript,${encodeURIComponent("export const answer = await Promise.resolve(42);")}`;
  const { banner, footer } = daemonScriptFrame;
  const script = daemonScript(`${banner}module.exports = import(${JSON.stringify(module)});${footer}`);
  const run = script.runInThisContext() as (exports: object, require: undefined, module: { exports: unknown }) => void;
  const made = { exports: {} as unknown };
  run({}, undefined, made);
  assert.equal(((await made.exports) as { answer: number }).answer, 42);
});
