import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { body, harness } from "../host-harness.ts";
import { hidesValues, type JournalEntry } from "./journal-entry.ts";
import type { JournaledCall } from "./journaled-call.ts";
import { PluginJournal, type PluginJournalOptions } from "./plugin-journal.ts";

const mebibyte = 1024 * 1024;

interface Room {
  directory: string;
  warnings: string[];
  open: (changes?: Partial<PluginJournalOptions>) => Promise<PluginJournal>;
  /** All that lies on disk. */
  text: () => string;
}

function room(t: TestContext): Room {
  const parent = mkdtempSync(join(tmpdir(), "journal-"));
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  const directory = join(parent, "journal");
  const warnings: string[] = [];
  return {
    directory,
    warnings,
    open: async (changes = {}) => {
      const warn = (message: string): void => void warnings.push(message);
      const journal = await PluginJournal.open({ directory, bytes: mebibyte, secrets: "mask", warn, ...changes });
      assert.ok(journal);
      return journal;
    },
    text: () =>
      readdirSync(directory)
        .toSorted()
        .map((name) => readFileSync(join(directory, name), "utf8"))
        .join(""),
  };
}

function call(image: string, more: Partial<JournaledCall> = {}): JournaledCall {
  return {
    startedAt: 1_000,
    plugin: "limits",
    version: "1.2.3",
    point: "container.preCreate",
    given: { config: body({ Image: image }) },
    context: { containerName: "web" },
    outcome: "unchanged",
    ...more,
  };
}

async function entries(journal: PluginJournal): Promise<(JournalEntry | undefined)[]> {
  await journal.flushed();
  const found: (JournalEntry | undefined)[] = [];
  for await (const line of journal.entries()) found.push("entry" in line ? line.entry : undefined);
  return found;
}

const images = (found: readonly (JournalEntry | undefined)[]): unknown[] =>
  found.map((entry) => (entry?.given["config"] as { Image?: string } | undefined)?.Image);

const envOf = (entry: JournalEntry | undefined): unknown => (entry?.given["config"] as { Env?: string[] } | undefined)?.Env;

test("calls that a plugin was asked to make are kept with what they gave and what came of them, for a later daemon too", async (t) => {
  const { directory, open } = room(t);
  const journal = await open();
  const { host, add } = harness({ journal });
  add("limits", "container", {
    preCreate(config) {
      if (config.Image === "bad") throw new Error("no");
      config.HostConfig.PidsLimit = 5;
    },
    postCreate: () => undefined,
    preStart: () => [{ priority: 1, args: ["/bin/hook"] }],
  });
  await host.preCreate(body({ Image: "good" }), { containerName: "web", labels: { a: "b" } });
  await assert.rejects(host.preCreate(body({ Image: "bad" }), {}));
  await host.tell("container.postCreate", () => ({ container: {} as never }), {});
  await host.preStart({ Id: "c1" } as never, { containerId: "c1" });
  await journal.flushed();

  const found = await entries(await open());
  const [changed, failed, hooks] = found;
  assert.equal(found.length, 3, "what is told has no answer, and is not kept");
  assert.deepEqual(changed?.given, { config: { Image: "good", Env: ["A=***"], HostConfig: {} } }, "before the plugin's change");
  assert.deepEqual(changed?.result, { outcome: "changed", patch: [{ op: "add", path: "/HostConfig/PidsLimit", value: 5 }] });
  assert.deepEqual(changed?.context, { containerName: "web", labels: { a: "b" } });
  assert.deepEqual([failed?.result.outcome, failed?.result.error], ["failed", 'plugin "limits" at container.preCreate: no']);
  assert.deepEqual(hooks?.result.patch, [{ op: "add", path: "/0", value: { priority: 1, args: ["/bin/hook"] } }]);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  for (const name of readdirSync(directory)) assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600);
});

test("of a call that was cancelled, or was not made, nothing is kept", async (t) => {
  const journal = await room(t).open();
  const { host, add } = harness({ journal });
  const gone = new AbortController();
  add("slow", "container", { preCreate: () => (gone.abort(), new Promise<never>(() => undefined)) });
  await assert.rejects(host.preCreate(body(), { signal: gone.signal }));
  assert.deepEqual(await entries(journal), []);
});

test("files have the room they are given: the oldest calls go, and one too large is counted", async (t) => {
  const { directory, open } = room(t);
  const journal = await open();
  const padding = { Labels: { padding: "x".repeat(20_000) } };
  for (let index = 0; index < 200; index += 1) {
    journal.called(call(`image-${index}`, { given: { config: body({ Image: `image-${index}`, ...padding }) } }));
    if (index % 20 === 19) await journal.flushed();
  }
  const bytes = readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  assert.ok(bytes <= mebibyte, `${bytes} bytes`);
  const kept = images(await entries(journal));
  assert.ok(kept.length > 30 && kept.length < 60, `${kept.length} calls`);
  assert.equal(kept.at(-1), "image-199");
  assert.equal(kept[0], `image-${200 - kept.length}`);

  journal.called(call("large", { given: { config: body({ Labels: { padding: "x".repeat(mebibyte) } }) } }));
  assert.equal((await entries(journal)).length, kept.length);
  assert.deepEqual(journal.losses, { large: 1, lost: 0 });

  const smaller = await open({ bytes: mebibyte / 4 });
  assert.equal(images(await entries(smaller)).at(-1), "image-199");
  assert.ok(readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0) <= mebibyte / 4);
});

test("a line that a killed daemon did not end is one that is not there, and the next one is whole", async (t) => {
  const { directory, open } = room(t);
  const before = await open();
  before.called(call("first"));
  await before.flushed();
  const [file = ""] = readdirSync(directory);
  appendFileSync(join(directory, file), '{"format":1,"plugin":"lim');
  const journal = await open();
  journal.called(call("second"));
  assert.deepEqual(images(await entries(journal)), ["first", undefined, "second"]);
});

/** What lies in a file's place and is none. */
const others: Record<string, (path: string, elsewhere: string) => void> = {
  "a folder": (path) => mkdirSync(path),
  "a pipe": (path) => execFileSync("mkfifo", [path]),
  "a link": (path, elsewhere) => symlinkSync(elsewhere, path),
  "a link to nothing": (path) => symlinkSync("/nowhere/at-all", path),
};

test("what has a file's name and is none is warned of, and is neither read, written, nor in the way", async (t) => {
  const { directory, warnings, open } = room(t);
  const before = await open();
  before.called(call("first"));
  await before.flushed();
  const elsewhere = join(directory, "elsewhere");
  writeFileSync(elsewhere, readFileSync(join(directory, "00000001.ndjson")));
  const name = (index: number): string => `0000000${index}.ndjson`;
  for (const [index, make] of Object.values(others).entries()) make(join(directory, name(index + 2)), elsewhere);
  for (const odd of ["000000009.ndjson", "00000NaN.ndjson", "9.ndjson", "00000009.ndjson.swp"])
    writeFileSync(join(directory, odd), readFileSync(elsewhere));
  const journal = await open();
  assert.equal(warnings.length, 4, warnings.join("\n"));
  assert.match(warnings[0] ?? "", /\/00000002\.ndjson is no regular file, so none of the journal/);
  journal.called(call("second"));
  assert.deepEqual(images(await entries(journal)), ["first", "second"]);
  assert.deepEqual(images(await entries(await open())), ["first", "second"]);
  assert.equal(readFileSync(elsewhere, "utf8").split("\n").length, 2);
});

for (const [what, make] of Object.entries(others))
  test(`${what} that takes a file's place while the daemon runs is said, and all other calls are there`, async (t) => {
    const { directory, open } = room(t);
    for (const image of ["first", "second"]) {
      const journal = await open();
      journal.called(call(image));
      await journal.flushed();
    }
    const journal = await open();
    const file = join(directory, "00000001.ndjson");
    renameSync(file, `${file}.aside`);
    make(file, `${file}.aside`);
    const found = await Array.fromAsync(journal.entries());
    assert.deepEqual(images(await entries(journal)), [undefined, "second"]);
    const [first] = found;
    assert.match(first && "damage" in first ? first.damage : "", /^files of the journal, .*: 00000001\.ndjson cannot be read: /);
  });

test("a call of as many levels as a request may have is left out, and those beside it are kept", async (t) => {
  const { directory, open } = room(t);
  const journal = await open();
  const deep = `${'{"a":'.repeat(9_990)}1${"}".repeat(9_990)}`;
  const given = { body: JSON.parse(deep) as unknown };
  for (let index = 0; index < 40; index += 1) journal.called(call("beside"));
  journal.called(call("deep", { point: "container.preUpdate", given }));
  await journal.flushed();
  journal.called(call("deep", { point: "container.preUpdate", given }));
  assert.equal((await entries(journal)).length, 40);
  assert.deepEqual(journal.losses, { large: 1, lost: 1 });
  const [file = ""] = readdirSync(directory);
  const [line = ""] = readFileSync(join(directory, file), "utf8").split("\n");
  appendFileSync(join(directory, file), `${line.replace('"given":{', `"given":{"deep":${deep},`)}\n`);
  assert.equal((await entries(await open())).at(-1), undefined);
});

test("a call is one line, whatever signs its texts have", async (t) => {
  const journal = await room(t).open();
  const image = "line\u2028paragraph\u2029return\rnewline\n";
  journal.called(call(image));
  assert.deepEqual(images(await entries(journal)), [image]);
});

test("secrets are masked, or their fields emptied, before anything is written", async (t) => {
  const { directory, open, text } = room(t);
  const secret = call("https://me:canary@registry/x", {
    given: {
      config: body({ Env: ["TOKEN=canary"], Labels: { password: "canary" } }),
      criRequest: { config: { envs: [{ key: "TOKEN", value: "canary" }] } },
    },
    context: { env: ["TOKEN=canary"] },
    outcome: "changed",
    patch: [
      { op: "add", path: "/Env/1", value: "OTHER=canary" },
      { op: "add", path: "/Labels/mirror", value: "http://me:canary@mirror" },
    ],
  });
  const masking = await open();
  masking.called(secret);
  const [masked] = await entries(masking);
  assert.doesNotMatch(text(), /canary/);
  assert.deepEqual(envOf(masked), ["TOKEN=***"]);
  assert.deepEqual(masked?.result.patch?.[0], { op: "add", path: "/Env/1", value: "OTHER=***" });

  rmSync(directory, { recursive: true });
  const omitting = await open({ secrets: "omit" });
  omitting.called(secret);
  const [omitted] = await entries(omitting);
  assert.doesNotMatch(text(), /canary|TOKEN|OTHER/);
  assert.deepEqual(envOf(omitted), []);
  assert.deepEqual(omitted?.result.patch, [{ op: "add", path: "/Labels/mirror", value: "http://***@mirror" }]);
  assert.equal(omitted?.emptied, 4);
});

for (const secrets of ["mask", "omit"] as const)
  test(`secrets of command lines and of labels with odd names are on no disk (${secrets})`, async (t) => {
    const { open, text } = room(t);
    const journal = await open({ secrets });
    const test = [
      "CMD-SHELL",
      "PGPASSWORD=canary psql -h db || curl --token canary -H 'Private-Token: canary' https://u:canary@x",
    ];
    const config = body({
      Entrypoint: ["/entry", "--db-password=canary one"],
      Cmd: ["serve", "--token", "canary", "-e", "SIZE=canary"],
      Labels: { "example.com/db-password": "canary", team: "infra" },
      Healthcheck: { Test: test },
    });
    const { host, add } = harness({ journal });
    add("limits", "container", {
      preCreate(given) {
        if (given.Image === "bad") throw new Error("cannot use 'canary one'");
        given.Cmd = ["run", "--secret", "canary"];
        given.Labels = { ...given.Labels, "proxy.auth-token": "canary" };
      },
    });
    await host.preCreate(config, { labels: config.Labels ?? {} });
    await assert.rejects(host.preCreate({ ...config, Image: "bad" }, {}));
    const [changed, failed] = await entries(journal);
    assert.doesNotMatch(text(), /canary/);
    const kept = changed?.given["config"] as typeof config | undefined;
    assert.deepEqual(kept?.Cmd, ["serve", "--token", "***", "-e", "SIZE=***"]);
    assert.deepEqual(
      changed?.context.labels,
      secrets === "mask" ? config.Labels && { ...config.Labels, "example.com/db-password": "***" } : { team: "infra" },
    );
    assert.ok(failed && hidesValues(failed));
    assert.doesNotMatch(JSON.stringify(host.trace.last()), /canary/);
    assert.match(JSON.stringify(host.trace.last({ reveal: true })), /canary/);
  });

test("what the disk does not take is lost, said once, and no call's failure", async (t) => {
  const { directory, open, warnings } = room(t);
  const journal = await open();
  rmSync(directory, { recursive: true });
  writeFileSync(directory, "in its place");
  for (const image of ["one", "two"]) {
    journal.called(call(image));
    await journal.flushed();
  }
  assert.deepEqual(journal.losses, { large: 0, lost: 2 });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /journal of plugin calls lacks some/);
});

test("more than can wait for the disk is lost", async (t) => {
  const journal = await room(t).open();
  for (let index = 0; index < 300; index += 1) journal.called(call("small"));
  assert.equal((await entries(journal)).length, 256);
  assert.equal(journal.losses.lost, 44);
});

test("a journal that is switched off keeps nothing, and nothing of earlier ones", async (t) => {
  const { directory, open } = room(t);
  const journal = await open();
  journal.called(call("kept"));
  await journal.flushed();
  const off = await PluginJournal.open({ directory, bytes: 0, secrets: "mask", warn: assert.fail });
  assert.equal(off, undefined);
  assert.throws(() => readdirSync(directory), { code: "ENOENT" });
});
