import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { home, type Daemon, type Home } from "../testing/manager-home.ts";

/** A plugin that shares a process, sets the label that it is named by to its configured word, and does what an image's name asks of it. */
function member(world: Home, name: string, { version = "1.0.0", pouch = {}, code = "" } = {}): string {
  const configuration = { type: "object", properties: { word: { type: "string" } } };
  return world.plugin(name, {
    version,
    pouch: { sharedProcess: "team-a", configuration, timeoutMs: 1500, ...pouch },
    code: `async preCreate(config, call) {
      config.Labels = { ...config.Labels, ${JSON.stringify(name)}: String(call.configuration.word ?? ${JSON.stringify(version)}) };
      const [who, what] = config.Image.split("-");
      if (who !== ${JSON.stringify(name)}) return;
      if (what === "speak") { console.log("said by ${name}"); process.stderr.write("half a li"); call.log.warn("logged by ${name}"); process.stderr.write("ne of ${name}\\n"); }
      if (what === "read") config.Labels.read = JSON.stringify([call.environment, process.env.POUCH_TEST_WORD ?? null, process.cwd() !== import.meta.dirname]);
      if (what === "exit") process.exit(3);
      if (what === "throw") setTimeout(() => { throw new Error("thrown late by ${name}"); }, 10);
      if (what === "reject") void Promise.reject(new Error("let go by ${name}"));
      if (what === "linger") setInterval(() => console.log("left by ${name}"), 20);
      if (what === "loop") for (;;);
      ${code}
    }`,
  });
}

async function running(t: TestContext, ...names: string[]): Promise<{ world: Home; daemon: Daemon }> {
  const world = home(t);
  const daemon = await world.daemon({ environment: { ...process.env, POUCH_TEST_WORD: "word" } });
  for (const name of names)
    await daemon.manager.install({ reference: member(world, name) }, { configuration: { word: `of ${name}` } });
  return { world, daemon };
}

async function labels(daemon: Daemon, Image = "busybox"): Promise<Record<string, string>> {
  return (await daemon.host.preCreate(sampleContainerConfig({ Image, Labels: {} }), {})).Labels ?? {};
}

interface State {
  pid: unknown;
  restarts: unknown;
  state: string | undefined;
}

async function stateOf({ manager }: Daemon, name: string): Promise<State> {
  const { Pouch } = await manager.inspect(name);
  return { pid: Pouch?.Details["Pid"], restarts: Pouch?.Details["Restarts"], state: Pouch?.State };
}

async function pidOf(daemon: Daemon, name: string): Promise<unknown> {
  return (await stateOf(daemon, name)).pid;
}

async function pids(daemon: Daemon, ...names: string[]): Promise<unknown[]> {
  return Promise.all(names.map((name) => pidOf(daemon, name)));
}

async function eventually(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (let round = 0; round < 400; round += 1) {
    if (await isSo()) return;
    await sleep(25);
  }
  assert.fail(`it never came about that ${what}`);
}

/** Waits until all were started anew together, and returns the process that they are in. */
async function startedAnew(daemon: Daemon, before: unknown, ...names: string[]): Promise<unknown> {
  await eventually("they are in another process", async () =>
    (await Promise.all(names.map((name) => stateOf(daemon, name)))).every(
      ({ pid, restarts, state }) => state === "running" && restarts === 1 && pid !== before,
    ),
  );
  const all = new Set(await pids(daemon, ...names));
  assert.equal(all.size, 1);
  return [...all][0];
}

/** The folder that a plugin was installed into. */
function packageOf({ root }: Home, name: string): string {
  const folders = readdirSync(join(root, "installed")).map((folder) => join(root, "installed", folder));
  const found = folders.find((folder) => readFileSync(join(folder, "package.json"), "utf8").includes(`"name":"${name}"`));
  return found ?? assert.fail(`${name} is not installed`);
}

const linesOf = ({ logs }: Daemon, name: string): string[] => logs.lines(name).map((line) => line.replace(/^\S+ /, ""));

test("plugins of a group are in one process, each with its own configuration", async (t) => {
  const { daemon } = await running(t, "a", "b");
  const [a, b] = await pids(daemon, "a", "b");
  assert.equal(a, b);
  assert.deepEqual(await labels(daemon), { a: "of a", b: "of b" });
});

test("what a plugin prints or logs is in its own log, a line in parts as one, and a late one too", async (t) => {
  const { daemon } = await running(t, "a", "b");
  await labels(daemon, "a-speak");
  const said = ["info said by a", "warn logged by a", "warn half a line of a"];
  await eventually("it is there", () => said.every((line) => linesOf(daemon, "a").includes(line)));
  assert.ok(!linesOf(daemon, "b").some((line) => line.includes("by a")));
});

test("a plugin reads of the environment what its manifest lists, and the process has none of it", async (t) => {
  const { world, daemon } = await running(t, "b");
  await daemon.manager.install({ reference: member(world, "a", { pouch: { environment: ["POUCH_TEST_WORD"] } }) });
  assert.equal(await pidOf(daemon, "a"), await pidOf(daemon, "b"));
  assert.deepEqual(JSON.parse((await labels(daemon, "a-read"))["read"] ?? ""), [{ POUCH_TEST_WORD: "word" }, null, true]);
  assert.deepEqual(JSON.parse((await labels(daemon, "b-read"))["read"] ?? ""), [{}, null, true]);
});

test("a process that ends is started again with all that were in it", async (t) => {
  const { daemon } = await running(t, "a", "b");
  const before = await pidOf(daemon, "a");
  await assert.rejects(labels(daemon, "a-exit"), { kind: "unavailable" });
  await startedAnew(daemon, before, "a", "b");
  assert.deepEqual(await labels(daemon), { a: "of a", b: "of b" });
  for (const name of ["a", "b"])
    assert.ok(linesOf(daemon, name).includes("error its process ended with status 3; starting it again"));
});

for (const [what, words] of [
  ["throw", "thrown late by a"],
  ["reject", "let go by a"],
] as const)
  test(`an error that a plugin lets go of (${what}) ends the process, and each log says whose it was`, async (t) => {
    const { daemon } = await running(t, "a", "b");
    const before = await pidOf(daemon, "a");
    await labels(daemon, `a-${what}`).catch(() => undefined);
    await startedAnew(daemon, before, "a", "b");
    assert.ok(linesOf(daemon, "a").includes(`error an error of its code was caught by nobody: ${words}`));
    const told = 'error plugin "a", with which it shares its process, ended it';
    assert.ok(linesOf(daemon, "b").includes(told), linesOf(daemon, "b").join("\n"));
    assert.ok(!linesOf(daemon, "b").some((line) => line.includes(words)));
  });

test("a plugin that loops for ever makes its process one that is ended and started again, with the others", async (t) => {
  const { daemon } = await running(t, "a", "b");
  const before = await pidOf(daemon, "b");
  await assert.rejects(labels(daemon, "a-loop"), { kind: "deadlineExceeded" });
  await startedAnew(daemon, before, "a", "b");
  assert.ok(linesOf(daemon, "a").includes("error its process is stuck; ending it"));
  assert.deepEqual(await labels(daemon), { a: "of a", b: "of b" });
});

test("a plugin that is removed leaves the others where they are, and the last one ends the process", async (t) => {
  const { world, daemon } = await running(t, "a", "b");
  const pid = await pidOf(daemon, "b");
  await daemon.manager.remove("a", { force: true });
  assert.equal(await pidOf(daemon, "b"), pid);
  assert.deepEqual(await labels(daemon), { b: "of b" });
  await daemon.manager.remove("b", { force: true });
  assert.equal(existsSync(`/proc/${String(pid)}`), false);
  await eventually("its folder is gone", () => readdirSync(join(world.root, "run")).length === 0);
});

test("what a removed plugin left running in the process is told as nobody's", async (t) => {
  const { daemon } = await running(t, "a", "b");
  await labels(daemon, "a-linger");
  await daemon.manager.remove("a", { force: true });
  await eventually("it is there", () => linesOf(daemon, "shared process team-a").includes("info left by a"));
  assert.ok(!linesOf(daemon, "b").some((line) => line.includes("left by a")));
});

test("a new version has a process of its own, and the others follow into it as they are reloaded", async (t) => {
  const { world, daemon } = await running(t, "a", "b");
  const first = await pidOf(daemon, "b");
  member(world, "a", { version: "2.0.0" });
  await daemon.manager.reload("a", { reference: member(world, "a", { version: "2.0.0" }) });
  const second = await pidOf(daemon, "a");
  assert.notEqual(second, first);
  assert.equal(await pidOf(daemon, "b"), first);
  await daemon.manager.reload("b");
  assert.deepEqual(await pids(daemon, "a", "b"), [second, second]);
  assert.equal(existsSync(`/proc/${String(first)}`), false);
});

test("a version that does not start says why, disturbs nobody, and leaves the old one", async (t) => {
  const { world, daemon } = await running(t, "a", "b");
  const before = await pids(daemon, "a", "b");
  const broken = member(world, "a", { version: "2.0.0" });
  writeFileSync(join(broken, "index.ts"), `console.error("about to fail"); throw new Error("it cannot be loaded");`);
  await assert.rejects(daemon.manager.reload("a", { reference: broken }), /it cannot be loaded[^]*about to fail/);
  assert.deepEqual(await pids(daemon, "a", "b"), before);
  writeFileSync(join(member(world, "c"), "index.ts"), `throw new Error("it cannot be loaded");`);
  await assert.rejects(daemon.manager.install({ reference: join(world.root, "sources/c") }), /it cannot be loaded/);
  assert.deepEqual(await pids(daemon, "a", "b"), before);
  assert.deepEqual(await labels(daemon), { a: "of a", b: "of b" });
});

test("a plugin that ends the process as it is loaded fails alone, and those that were loaded with it are without it", async (t) => {
  const { world, daemon } = await running(t, "a", "b");
  await daemon.close();
  const ended = join(world.root, "ended");
  const module = join(packageOf(world, "a"), "index.ts");
  const wait = `import { existsSync } from "node:fs";\nif (!existsSync(${JSON.stringify(ended)})) await new Promise(() => undefined);\n`;
  writeFileSync(module, wait + readFileSync(module, "utf8"));
  const end = `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(ended)}, "");\nprocess.exit(7);\n`;
  writeFileSync(join(packageOf(world, "b"), "index.ts"), end);
  const again = await world.daemon();
  const [a, b] = await Promise.all(["a", "b"].map((name) => stateOf(again, name)));
  assert.deepEqual([a?.state, a?.restarts, b?.state], ["running", 0, "failed"]);
  assert.match(linesOf(again, "b").join("\n"), /could not be started: its process ended with status 7 at its start/);
});

for (const [what, pouch] of [
  ["another group", { sharedProcess: "team-b" }],
  ["another limit of memory", { memoryLimitMb: 300 }],
  ["another limit of processes", { pidsLimit: 300 }],
  ["no network", { permissions: { fields: { "container.preCreate": ["*"] } } }],
  ["no wish to share", { sharedProcess: undefined }],
] as const)
  test(`a plugin with ${what} is in another process`, async (t) => {
    const { world, daemon } = await running(t, "a");
    await daemon.manager.install({ reference: member(world, "b", { pouch }) }, { privileges: "all" });
    const [a, b] = await pids(daemon, "a", "b");
    assert.notEqual(a, b);
  });

test("a plugin in shadow mode shares a process with those alone that are in it too, whichever way it came into it", async (t) => {
  const { world, daemon } = await running(t, "a", "b");
  const [active] = await pids(daemon, "a");
  await daemon.manager.install({ reference: member(world, "c") }, { mode: "shadow" });
  await daemon.manager.setMode("b", "shadow");
  const [a, b, c] = await pids(daemon, "a", "b", "c");
  assert.deepEqual([a, c], [active, b]);
  assert.notEqual(b, active);
  await daemon.manager.setMode("b", "active");
  assert.notEqual(await pidOf(daemon, "b"), c);
  await daemon.manager.reload("a");
  assert.equal(await pidOf(daemon, "a"), await pidOf(daemon, "b"));
});

test("what a plugin in shadow mode does to its process and its globals is no active plugin's", async (t) => {
  const { world, daemon } = await running(t, "a");
  const code = `if (what === "spoil") JSON.stringify = () => '{"Labels":{"spoilt":"yes"}}';`;
  await daemon.manager.install({ reference: member(world, "s", { code }) }, { mode: "shadow" });
  const before = await stateOf(daemon, "a");
  for (const image of ["s-spoil", "s-loop"]) assert.deepEqual(await labels(daemon, image), { a: "of a" });
  await eventually("its process was ended", async () => (await stateOf(daemon, "s")).restarts === 1);
  assert.deepEqual(await labels(daemon), { a: "of a" });
  assert.deepEqual(await stateOf(daemon, "a"), before);
});
