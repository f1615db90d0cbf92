import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { authorsStack } from "./authors-stack.ts";

test("of a stack the frames of Node and of the daemon's own script are left out", () => {
  const error = new Error("no such thing\n    by hand");
  const own = new URL("authors-stack.ts", import.meta.url).href;
  error.stack = [
    `Error: ${error.message}`,
    "    at check (file:///plugins/a/index.js:2:21)",
    "    at Array.map (<anonymous>)",
    "    at file:///plugins/a/index.js:4:1",
    "    at ModuleJob.run (node:internal/modules/esm/module_job:569:25)",
    "    at async node:internal/modules/esm/loader:650:26",
    `    at async ServedPlugin.handle (${own}:335:245)`,
    `    at ${own}:2:3580`,
  ].join("\n");
  assert.deepEqual(authorsStack(error)?.split("\n"), [
    "Error: no such thing",
    "    by hand",
    "    at check (file:///plugins/a/index.js:2:21)",
    "    at Array.map (<anonymous>)",
    "    at file:///plugins/a/index.js:4:1",
  ]);
});

test("what has no stack has none, and an error without frames of its author's is its message", async () => {
  assert.equal(authorsStack("thrown text"), undefined);
  const error = await readFile("/nowhere/at/all").catch((thrown: unknown) => thrown);
  assert.equal(authorsStack(error), `Error: ENOENT: no such file or directory, open '/nowhere/at/all'`);
});
