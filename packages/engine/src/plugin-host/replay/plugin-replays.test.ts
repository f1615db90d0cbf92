import type { PluginReplayDifference, PluginReplayMessage, PluginReplaySummary } from "@pouchcontainer/api";
import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { PluginJournal } from "../journal/plugin-journal.ts";
import { home, type Daemon, type Home } from "../testing/manager-home.ts";
import type { ReplayRequest } from "./plugin-replays.ts";

interface World {
  root: string;
  plugin: Home["plugin"];
  running: Daemon;
  /** One create of an image, with a variable. */
  create: (image: string, variable?: string) => Promise<void>;
  replay: (
    request?: ReplayRequest,
    name?: string,
  ) => Promise<{ differences: PluginReplayDifference[]; summary: PluginReplaySummary }>;
  /** Folders of packages and of states. */
  folders: () => string[];
  /** Of the journal. */
  files: () => string[];
}

async function world(t: TestContext): Promise<World> {
  const at = home(t);
  const directory = join(at.root, "journal");
  const journal = await PluginJournal.open({ directory, bytes: 2 ** 20, secrets: "mask", warn: assert.fail });
  assert.ok(journal);
  const running = await at.daemon({ journal });
  return {
    root: at.root,
    plugin: (name, options) => at.plugin(name, options),
    running,
    create: async (image, variable = "") => {
      const config = { ...sampleContainerConfig(), Image: image, Env: variable === "" ? [] : [variable] };
      await running.host.preCreate(config, { containerName: image }).catch(() => undefined);
      await journal.flushed();
    },
    replay: async (request = {}, name = "tool") => {
      const messages: PluginReplayMessage[] = [];
      await running.manager.replay(name, request, async (one) => void messages.push(one), new AbortController().signal);
      const summary = messages.at(-1)?.summary;
      assert.ok(summary, "the last line");
      return { differences: messages.flatMap(({ difference }) => difference ?? []), summary };
    },
    folders: () => readdirSync(join(at.root, "installed")),
    files: () => readdirSync(directory).map((name) => join(directory, name)),
  };
}

const naming = (words: string): string => `preCreate(config) { config.Hostname = ${words}; }`;

test("a version that does something else is told from the present one by the calls that differ", async (t) => {
  const { plugin, running, create, replay, folders } = await world(t);
  await running.manager.install({ reference: plugin("tool", { code: naming("config.Image") }) });
  for (const image of ["apple", "banana", "cherry"]) await create(image);
  const before = folders();

  const same = await replay();
  assert.deepEqual(same.differences, []);
  assert.deepEqual([same.summary.calls, same.summary.same, same.summary.version], [3, 3, "1.0.0"]);

  const code = naming('config.Image === "banana" ? "yellow" : config.Image');
  const { differences, summary } = await replay({ against: { reference: plugin("tool", { version: "2.0.0", code }) } });
  assert.deepEqual([summary.calls, summary.same, summary.differ, summary.failing, summary.version], [3, 2, 1, 0, "2.0.0"]);
  assert.deepEqual(
    differences.map(({ point, container, version, hidden }) => [point, container.name, version, hidden]),
    [["container.preCreate", "banana", "1.0.0", false]],
  );
  const hostname = { op: "add", path: "/Hostname" };
  assert.deepEqual(differences[0]?.recorded.patch, [{ ...hostname, value: "banana" }]);
  assert.deepEqual(differences[0]?.replayed.patch, [{ ...hostname, value: "yellow" }]);
  assert.deepEqual(folders(), before, "nothing of it is left");
  assert.deepEqual((await running.manager.inspect("tool")).Pouch?.Version, "1.0.0");
  assert.equal(running.host.trace.last({ plugin: "tool" }).length, 3, "no call of a replay is one of the chains");
});

test("calls are chosen by time, point and number", async (t) => {
  const { plugin, running, create, replay } = await world(t);
  await running.manager.install({ reference: plugin("tool", { code: naming("config.Image") }) });
  for (const image of ["apple", "banana", "cherry"]) await create(image);
  const against = { reference: plugin("tool", { code: naming('"other"') }) };
  const named = async (request: ReplayRequest): Promise<unknown[]> =>
    (await replay({ against, ...request })).differences.map(({ container }) => container.name);
  assert.deepEqual(await named({ limit: 2 }), ["banana", "cherry"]);
  assert.deepEqual(await named({ point: "container.preStart" }), []);
  assert.deepEqual(await named({ since: Date.now() + 60_000 }), []);
  await assert.rejects(
    replay({ point: "container.preLunch" }),
    /there is no point "container\.preLunch": .*container\.preCreate/,
  );
  await assert.rejects(replay({ point: "container.postStart" }), /calls at container\.postStart are not recorded/);
});

test("what hangs on a masked value is no difference, and what does not is one", async (t) => {
  const { plugin, running, create, replay } = await world(t);
  const byVariable = 'const [, size] = config.Env[0].split("="); ';
  const code = (words: string): string => `preCreate(config) { ${byVariable} config.Hostname = ${words}; }`;
  await running.manager.install({ reference: plugin("tool", { code: code("size") }) });
  await create("apple", "SIZE=large");

  const alone = await replay();
  assert.deepEqual([alone.summary.hidden, alone.summary.differ, alone.summary.same], [1, 0, 0]);
  assert.equal(alone.differences[0]?.hidden, true);
  const untouched = await replay({ against: { reference: plugin("tool", { version: "1.0.1", code: code("size") }) } });
  assert.deepEqual([untouched.summary.hidden, untouched.summary.differ], [1, 0]);
  const { summary, differences } = await replay({
    against: { reference: plugin("tool", { version: "2.0.0", code: code("`the-${size}`") }) },
  });
  assert.deepEqual([summary.hidden, summary.differ], [0, 1]);
  const [{ recorded, present, replayed } = assert.fail()] = differences;
  const values = [recorded, present, replayed].map((one) => one?.patch?.map((change) => "value" in change && change.value));
  assert.deepEqual(values, [["large"], ["***"], ["the-***"]]);
});

test("a version that fails is told, what it asks for is told of, and nothing is granted", async (t) => {
  const { plugin, running, create, replay } = await world(t);
  const asking = (version: string, ...fields: string[]): string =>
    plugin("tool", {
      version,
      code: naming("config.Image"),
      pouch: { permissions: { fields: { "container.preCreate": fields } } },
    });
  await running.manager.install({ reference: asking("1.0.0", "Hostname") }, { privileges: "all" });
  await create("apple");
  const granted = running.manager.permissions("tool").Granted;
  const { summary, differences } = await replay({ against: { reference: asking("2.0.0", "Domainname") } });
  assert.deepEqual([summary.differ, summary.failing], [1, 1]);
  assert.match(differences[0]?.replayed.error ?? "", /it changed Hostname without a grant/);
  assert.deepEqual(
    summary.missing.map(({ Value }) => Value),
    [["Domainname"]],
  );
  assert.deepEqual(running.manager.permissions("tool").Granted, granted);
});

test("a version without an answer is given up by its own deadline, and its process goes", async (t) => {
  const { plugin, running, create, replay, folders } = await world(t);
  await running.manager.install({ reference: plugin("tool", { code: naming("config.Image") }) });
  for (const image of ["a", "b", "c", "d", "e"]) await create(image);
  const before = folders();
  const code = "preCreate() { for (;;); }";
  const { summary, differences } = await replay({
    against: { reference: plugin("tool", { version: "2.0.0", code, pouch: { timeoutMs: 50 } }) },
  });
  assert.match(differences[0]?.replayed.error ?? "", /no answer within 50 ms/);
  assert.deepEqual([summary.calls, summary.differ], [5, 3]);
  assert.deepEqual(summary.leftOut, [
    { reason: "not judged, since the 3 before had no answer within the plugin's deadline, or ended its process", calls: 2 },
  ]);
  assert.deepEqual(folders(), before);
  await create("still");
  assert.equal(running.host.trace.last({ plugin: "tool" }).at(-1)?.outcome, "changed");
});

for (const [what, words] of Object.entries({
  "one that has no answer": "for (;;);",
  "one that ends its process": "process.exit(7);",
  "one that leaves a loop behind its answer": "setImmediate(() => { for (;;); });",
}))
  test(`${what} is no other call's difference`, async (t) => {
    const { plugin, running, create, replay, folders } = await world(t);
    await running.manager.install({ reference: plugin("tool", { code: naming("config.Image") }) });
    const images = ["apple", "banana", "cherry", "date", "elderberry"];
    for (const image of images) await create(image);
    const before = folders();
    const code = `preCreate(config) { if (config.Image === "banana") { ${words} } config.Hostname = config.Image; }`;
    const reference = plugin("tool", { version: "2.0.0", code, pouch: { timeoutMs: 3000 } });
    const { summary, differences } = await replay({ against: { reference } });
    assert.deepEqual(summary.leftOut, []);
    const isOwn = what !== "one that leaves a loop behind its answer";
    assert.deepEqual([summary.same, summary.differ], isOwn ? [4, 1] : [5, 0]);
    assert.deepEqual(
      differences.map(({ container }) => container.name),
      isOwn ? ["banana"] : [],
    );
    assert.deepEqual(folders(), before);
  });

test("calls that do not fit any more, and lines that were cut, are left out with the reason", async (t) => {
  const { plugin, running, create, replay, files } = await world(t);
  await running.manager.install({ reference: plugin("tool", { code: naming("config.Image") }) });
  for (const image of ["apple", "banana"]) await create(image);
  await replay();
  const [file = ""] = files();
  const [first = "", second = ""] = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.includes('"tool"'));
  const text = `${first.replace('"Image":"apple"', '"Image":17')}\n${second}\n${second.slice(0, 30)}\n`;
  writeFileSync(file, text.padEnd(readFileSync(file).length, " "));
  const { summary } = await replay();
  assert.equal(summary.same, 1);
  assert.match(summary.leftOut[0]?.reason ?? "", /^its schema has changed: .* config\.Image must be string, got 17$/);
  assert.match(summary.leftOut[1]?.reason ?? "", /^lines that were cut/);
});

test("a line that is JSON and no call is damaged, one of another form says so, and the others are made", async (t) => {
  const { create, replay, files } = await world(t);
  for (const image of ["apple", "banana", "cherry"]) await create(image);
  const [file = ""] = files();
  const text = readFileSync(file, "utf8");
  const [first = ""] = text.split("\n");
  const damaged = ["null", "7", "[]", "{}", '{"plugin":"compiled-in"}', '{"format":1,"plugin":"compiled-in"}', '{"format":2'];
  const others = ['{"format":2,"plugin":"compiled-in"}', '{"format":2,"plugin":"other"}'];
  const lines = [...damaged, ...others, first].join("\n");
  writeFileSync(file, `${lines}${"\n".padEnd(text.length - lines.length)}`);
  const { summary } = await replay({}, "compiled-in");
  assert.equal(summary.same, 1);
  assert.deepEqual(summary.leftOut, [
    { reason: "written in form 2 of the journal, and this daemon reads 1", calls: 1 },
    { reason: "lines that were cut when the daemon was killed, or are damaged, of whichever plugin", calls: damaged.length + 1 },
  ]);
});

test("whoever goes ends the replay with all that it began, and the next one is free", async (t) => {
  const { plugin, root, running, create, replay, folders } = await world(t);
  await running.manager.install({ reference: plugin("tool", { code: naming("config.Image") }) });
  await create("apple");
  const before = folders();
  const file = join(root, "called");
  const code = `async preCreate() {
    (await import("node:fs")).writeFileSync(${JSON.stringify(file)}, String(process.pid));
    await new Promise(() => undefined);
  }`;
  const gone = new AbortController();
  const hanging = { against: { reference: plugin("tool", { version: "2.0.0", code }) } };
  const ended = assert.rejects(running.manager.replay("tool", hanging, async () => undefined, gone.signal));
  while (!existsSync(file) || readFileSync(file, "utf8") === "") await sleep(10);
  await assert.rejects(replay(), /another replay is under way/);
  gone.abort();
  await ended;
  assert.deepEqual(folders(), before);
  assert.throws(() => process.kill(Number(readFileSync(file, "utf8")), 0), { code: "ESRCH" });
  assert.equal((await replay()).summary.same, 1);
});

for (const [what, change] of Object.entries({
  removed: ({ manager }: Daemon) => manager.remove("tool", { force: true }),
  reloaded: ({ manager }: Daemon) => manager.reload("tool"),
}))
  test(`one that is ${what} while its calls are replayed is run to their end, and its folder goes then`, async (t) => {
    const { plugin, root, running, create, replay, folders } = await world(t);
    const [flag, called] = [join(root, "flag"), join(root, "called")];
    // Its process ends with the first call of the replay: the others are made by one that is started from the folder again.
    const code = `async preCreate(config) {
      const { existsSync, writeFileSync } = await import("node:fs");
      if (existsSync(${JSON.stringify(flag)})) {
        writeFileSync(${JSON.stringify(called)}, "");
        while (existsSync(${JSON.stringify(flag)})) await new Promise((resolve) => setTimeout(resolve, 10));
        process.exit(7);
      }
      config.Hostname = config.Image;
    }`;
    await running.manager.install({ reference: plugin("tool", { code }) });
    for (const image of ["apple", "banana", "cherry"]) await create(image);
    const [before] = folders();
    writeFileSync(flag, "");
    const replaying = replay();
    while (!existsSync(called)) await sleep(10);
    plugin("tool", { version: "2.0.0", code: naming('"other"') });
    await change(running);
    rmSync(flag);
    const { summary, differences } = await replaying;
    assert.deepEqual(
      differences.map(({ container }) => container.name),
      ["apple"],
    );
    assert.deepEqual([summary.same, summary.leftOut, summary.version], [2, [], "1.0.0"]);
    assert.ok(!folders().includes(before ?? ""));
    assert.equal(folders().length, what === "removed" ? 0 : 1);
  });

test("one that is compiled in is called itself, and no other version of it can be", async (t) => {
  const { plugin, create, replay } = await world(t);
  await create("apple");
  assert.equal((await replay({}, "compiled-in")).summary.same, 1);
  await assert.rejects(replay({ against: { reference: plugin("compiled-in") } }, "compiled-in"), /is compiled into the daemon/);
});

test("what cannot be replayed says what would be right", async (t) => {
  const { plugin, running, replay } = await world(t);
  await running.manager.install({ reference: plugin("tool") });
  await assert.rejects(replay({ against: { reference: plugin("other") } }), /the package is plugin "other", not "tool"/);
  await assert.rejects(replay({}, "none"), /plugin "none" not found/);
  const broken = plugin("tool", { code: '}); throw new Error("it is broken"); ({' });
  await assert.rejects(replay({ against: { reference: broken } }), /plugin "tool" could not be started: .*it is broken/s);
  await running.close();
  const off = await home(t).daemon();
  await assert.rejects(
    off.manager.replay("compiled-in", {}, async () => undefined, new AbortController().signal),
    /the journal of plugin calls is switched off.*--plugin-journal-size=BYTES/,
  );
});
