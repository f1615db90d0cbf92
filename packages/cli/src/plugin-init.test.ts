import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { SampleDaemon } from "./sample-daemon.ts";

/** Makes `node` on PATH one that says it is of this version. */
function withNode(t: TestContext, folder: string, version: string): void {
  const path = process.env["PATH"];
  t.after(() => {
    process.env["PATH"] = path;
  });
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/node"), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
  process.env["PATH"] = `${join(folder, "bin")}:${path}`;
}

for (const [version, language, needed] of [
  ["v18.20.4", "javascript", "20.11"],
  ["v20.20.2", "javascript", undefined],
  ["v20.20.2", "typescript", "22.18"],
  ["v22.18.0", "typescript", undefined],
] as const)
  test(`who begins a plugin in ${language} with Node ${version} hears ${needed === undefined ? "nothing of it" : `that its tests need ${needed}`}`, async (t) => {
    const daemon = await SampleDaemon.start(t, (_request, response) => response.end());
    withNode(t, daemon.folder, version);
    const folder = join(daemon.folder, "demo");
    const { status, err } = await daemon.run(["plugin", "init", "--language", language, folder]);
    assert.equal(status, 0, err);
    const told = /^npm test needs Node (\S+), and the node on PATH is/m.exec(err)?.[1];
    assert.equal(told, needed);
    assert.match(readFileSync(join(folder, "package.json"), "utf8"), /"node --test \*\.test\.[jt]s"/);
  });
