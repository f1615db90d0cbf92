import { pluginSetOf, type PluginSet } from "@pouchcontainer/plugin-sdk/host";
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { StateFolders } from "./state-folders.ts";
import { home } from "./testing/manager-home.ts";

function folders(t: TestContext): { states: StateFolders; parent: string } {
  const root = mkdtempSync(join(tmpdir(), "pouch-states-"));
  t.after(() => rmSync(root, { recursive: true }));
  const parent = join(root, "state");
  const warn = (message: string): void => assert.fail(message);
  return { states: new StateFolders({ parent, logOf: () => ({ debug: warn, info: warn, warn, error: warn }) }), parent };
}

test("a plugin that is removed may use its state to the end, and another of its name has none of it", async (t) => {
  const h = home(t);
  const state = join(h.root, "state/tool");
  const pouch = { points: ["container.preCreate", "daemon.preStopHook"] };
  const code = `preCreate() {} });
    registerDaemonPlugin({
      preStopHook({ stateDirectory }) {
        writeFileSync(${JSON.stringify(join(h.root, "last-words"))}, readFileSync(join(stateDirectory, "notes")));
        writeFileSync(join(stateDirectory, "more"), "");
      }`;
  const source = h.plugin("tool", { pouch, code });
  const module = join(source, "index.ts");
  const imports = `import { registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
    import { readFileSync, writeFileSync } from "node:fs"; import { join } from "node:path";\n`;
  writeFileSync(module, imports + readFileSync(module, "utf8"));
  const daemon = await h.daemon({ daemonBegun: () => true });
  await daemon.manager.install({ reference: source }, { privileges: "all" });
  writeFileSync(join(daemon.host.stateDirectoryOf("tool"), "notes"), "what to undo");
  await daemon.manager.reload("tool");
  assert.deepEqual(readdirSync(state).toSorted(), ["more", "notes"], "a reload keeps it");
  rmSync(join(h.root, "last-words"));
  await daemon.manager.remove("tool", { force: true });
  assert.equal(readFileSync(join(h.root, "last-words"), "utf8"), "what to undo");
  assert.deepEqual(readdirSync(join(h.root, "state")), []);
});

test("a set takes the state of what it removes away, once all of it is in force", async (t) => {
  const h = home(t);
  const state = join(h.root, "state/tool");
  const daemon = await h.daemon();
  await daemon.manager.install({ reference: h.plugin("tool") }, { privileges: "all" });
  daemon.host.stateDirectoryOf("tool");
  const other = { name: "other", source: h.plugin("other", { code: '...(() => { throw new Error("not today"); })()' }) };
  const set = (...plugins: object[]): PluginSet => pluginSetOf({ complete: true, plugins }, "the set");
  await assert.rejects(daemon.manager.sets.applyAll(set(other)), /not today/);
  assert.ok(existsSync(state), "a set that fails is none");
  await daemon.manager.sets.applyAll(set());
  assert.deepEqual(readdirSync(join(h.root, "state")), []);
});

test("a removal that was cut off is finished by the next daemon, once the plugin is off the record", async (t) => {
  const { states, parent } = folders(t);
  states.of("@some/tool");
  await states.leaves("@some/tool");
  await states.sweep(["other"]);
  assert.deepEqual(readdirSync(parent), []);
});

test("a plugin that stays on record keeps its state", async (t) => {
  const { states, parent } = folders(t);
  states.of("tool");
  await states.leaves("tool");
  await states.sweep(["tool"]);
  assert.deepEqual(readdirSync(parent), ["tool"]);
});
