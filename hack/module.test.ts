import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test, type TestContext } from "node:test";

const root = resolve(import.meta.dirname, "..");

function module(t: TestContext): (...args: string[]) => { status: number | null; out: string; err: string } {
  const build = mkdtempSync(join(tmpdir(), "module-"));
  t.after(() => rmSync(build, { recursive: true }));
  return (...args) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "hack/module.ts"), ...args], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, POUCH_BUILD_DIR: build },
    });
    return { status, out: stdout, err: stderr };
  };
}

test("plugins are chosen, listed, chosen anew, removed and forgotten", (t) => {
  const run = module(t);
  assert.match(run("--list").out, /no plugins are compiled in/);
  assert.match(
    run("--add-plugin=./hookplugins/daemonplugin", "--add-plugin=./hookplugins/legacy-env").out,
    /added daemonplugin 1.0.0/,
  );
  run("--add-plugin=./hookplugins/daemonplugin");
  assert.deepEqual(
    run("--list")
      .out.trim()
      .split("\n")
      .map((line) => line.split("  ")[0]),
    ["legacy-env", "daemonplugin"],
  );
  assert.equal(run("--remove-plugin=legacy-env").status, 0);
  assert.doesNotMatch(run("--list").out, /legacy-env/);
  assert.match(run("--clean", "--list").out, /no plugins are compiled in/);
});

test("mistakes are refused with a message, and choose nothing", (t) => {
  const run = module(t);
  const folder = mkdtempSync(join(tmpdir(), "not-a-plugin-"));
  t.after(() => rmSync(folder, { recursive: true }));
  let made = 0;
  const plugin = (pouch: unknown, more: object = {}): string => {
    made += 1;
    const directory = join(folder, String(made));
    mkdirSync(directory);
    writeFileSync(
      join(directory, "package.json"),
      JSON.stringify({ name: "demo", version: "1.0.0", exports: "./index.ts", pouch, ...more }),
    );
    return directory;
  };
  for (const [given, message] of [
    ["./no-such-folder", /there is no folder .*no-such-folder/],
    [folder, /has no package.json, so it is not a plugin/],
    [plugin(undefined), /package.json has no "pouch" section/],
    [plugin({ api: "^1.0.0", points: ["kernel.panic"] }), /bad manifest of plugin "demo": pouch.points/],
    [plugin({ api: "^7.0.0", points: ["container.preCreate"] }), /it asks for plugin API \^7.0.0, this daemon has/],
    [plugin({ api: "^1.0.0", points: ["container.preCreate"] }, { policy: {} }), /is a policy and needs no build: install it/],
    [plugin({ api: "^1.0.0", points: ["container.preCreate"] }), /has no module .*index.ts/],
  ] as const) {
    const { status, err } = run(`--add-plugin=${given}`);
    assert.equal(status, 1);
    assert.match(err, message);
  }
  assert.match(run("--list").out, /no plugins are compiled in/);
});
