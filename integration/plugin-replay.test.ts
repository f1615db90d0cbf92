/** Calls of plugins in a real daemon, recorded and made again: what differs is shown, what cannot be made says why, and containers go on. */
import type { PluginReplayDifference, PluginReplaySummary } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Daemon } from "./harness/daemon.ts";
import { sharedDaemon } from "./harness/shared-daemon.ts";
import { printed } from "./harness/printed.ts";
import { writePlugin } from "./harness/write-plugin.ts";

const canary = "canary-5c1f0e7b2a9d4c36";
const { daemon, scratch } = await sharedDaemon("replay");

/** A plugin that limits containers by their tier. */
function tiers(version: string, limits: string, pouch: object = {}): string {
  return writePlugin(join(scratch, `tiers-${version}`), {
    name: "tiers",
    version,
    pouch: {
      api: "^1.2.0",
      points: ["container.preCreate"],
      permissions: { fields: { "container.preCreate": ["HostConfig.PidsLimit"] } },
      ...pouch,
    },
    code: `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";
registerContainerPlugin({ preCreate(config) { ${limits} } });
`,
  });
}

const first = "config.HostConfig.PidsLimit = config.Labels.tier === 'db' ? 400 : 100;";

interface Replayed {
  code: number;
  differences: PluginReplayDifference[];
  summary: PluginReplaySummary;
}

async function replay(...args: string[]): Promise<Replayed> {
  const { code, stdout, stderr } = await daemon.pouch("plugin", "replay", "tiers", "--format", "json", ...args);
  assert.match(stdout, /^\{/, stderr);
  return { code, ...(JSON.parse(stdout) as Omit<Replayed, "code">) };
}

const journal = (): string => join(daemon.homeDirectory, "plugins/journal");
const journalFiles = (): string[] => readdirSync(journal()).map((name) => join(journal(), name));
const pidOf = (name: string): Promise<string> => printed(daemon, "docker", "inspect", "-f", "{{.State.Pid}}", name);

test("a new version is shown by the very calls of which it makes something else, and nothing of it takes effect", async () => {
  await printed(daemon, "pouch", "plugin", "install", "--grant-all-permissions", tiers("1.0.0", first));
  const secret = ["-e", `TOKEN=${canary}`];
  await printed(daemon, "docker", "run", "-d", "--name", "web", ...secret, "busybox", "sleep", "100000");
  for (const tier of ["db", "queue"])
    await printed(daemon, "docker", "create", "--name", tier, "--label", `tier=${tier}`, ...secret, "busybox", "true");
  const pid = await pidOf("web");

  const same = await replay();
  assert.deepEqual([same.code, same.differences, same.summary.calls, same.summary.same], [0, [], 3, 3]);

  const second = tiers("2.0.0", first.replace("400", "500"));
  const changed = await replay("--against", second, "--since", "1h");
  assert.deepEqual([changed.code, changed.summary.differ, changed.summary.same], [1, 1, 2]);
  const [difference] = changed.differences;
  assert.deepEqual([difference?.container.name, difference?.point, difference?.hidden], ["db", "container.preCreate", false]);
  const limit = { op: "replace", path: "/HostConfig/PidsLimit" };
  const values = [difference?.recorded.patch?.[0], difference?.replayed.patch?.[0]].map((one) => one?.value);
  assert.deepEqual(values, [400, 500], JSON.stringify(limit));
  assert.match(
    (await daemon.pouch("plugin", "replay", "tiers", "--against", second)).stdout,
    /3 calls of tiers replayed by 2\.0\.0: 2 the same, 1 differ\n$/,
  );

  assert.match(await printed(daemon, "pouch", "plugin", "ls"), /tiers +1\.0\.0 /);
  assert.equal(await printed(daemon, "docker", "inspect", "-f", "{{.HostConfig.PidsLimit}}", "db"), "400");
  assert.equal(await pidOf("web"), pid);
  assert.doesNotMatch(await printed(daemon, "pouch", "plugin", "trace"), /tiers@2/);
});

test("what is on disk is root's alone, holds no secret, and outlives a daemon that is killed", async () => {
  assert.equal(statSync(journal()).mode & 0o777, 0o700);
  for (const file of journalFiles()) {
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.doesNotMatch(readFileSync(file, "utf8"), new RegExp(canary));
  }
  await daemon.kill9();
  await daemon.launch();
  const { code, summary } = await replay();
  assert.deepEqual([code, summary.same], [0, 3]);
});

test("a recorded call whose schema has changed is left out with the field, and what is in force stays", async () => {
  await daemon.stop();
  const [file = ""] = journalFiles();
  writeFileSync(file, readFileSync(file, "utf8").replace('"Labels":{"tier":"db"', '"Labels":{"tier":7'));
  await daemon.launch();
  const { code, summary } = await replay();
  assert.deepEqual([code, summary.same], [3, 2]);
  assert.equal(summary.leftOut[0]?.calls, 1);
  assert.match(
    summary.leftOut[0]?.reason ?? "",
    /its schema has changed: .* at container\.preCreate any more, config\.Labels\.tier must be string, got 7/,
  );
  await printed(daemon, "docker", "create", "--name", "after", "busybox", "true");
  assert.equal(await printed(daemon, "docker", "inspect", "-f", "{{.HostConfig.PidsLimit}}", "after"), "100");
});

test("a version that hangs ends by its deadline, one that is no plugin says so, and containers run on", async () => {
  const pid = await pidOf("web");
  const hanging = tiers("3.0.0", "for (;;);", { timeoutMs: 200 });
  const { code, summary, differences } = await replay("--against", hanging);
  assert.equal(code, 1);
  assert.match(differences[0]?.replayed.error ?? "", /plugin "tiers" at container\.preCreate: no answer within 200 ms/);
  assert.equal(summary.failing, differences.length);

  const broken = await daemon.pouch("plugin", "replay", "tiers", "--against", tiers("4.0.0", "})("));
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /plugin "tiers" could not be started: .*SyntaxError/s);
  const other = writePlugin(join(scratch, "other"), {
    name: "other",
    pouch: { api: "1", points: ["container.preCreate"] },
    code: "",
  });
  const mistaken = await daemon.pouch("plugin", "replay", "tiers", "--against", other);
  assert.match(mistaken.stderr, /the package is plugin "other", not "tiers"/);

  assert.equal(await pidOf("web"), pid);
  assert.equal(await printed(daemon, "docker", "inspect", "-f", "{{.State.Status}}", "web"), "running");
  const folders = readdirSync(join(daemon.homeDirectory, "plugins/installed"));
  assert.equal(folders.length, 1, `of what was replayed nothing is left: ${folders.join(", ")}`);
});

test("a daemon without a journal says how it gets one, and keeps nothing", async () => {
  await using off = await Daemon.start({ flags: ["--plugin-journal-size=0"], image: false });
  const folder = tiers("1.0.0", first);
  const installed = await off.pouch("plugin", "install", "--grant-all-permissions", folder);
  assert.equal(installed.code, 0, installed.stderr);
  await off.api("POST", "/containers/create", { Image: "none", Labels: {} });
  const { code, stderr } = await off.pouch("plugin", "replay", "tiers");
  assert.equal(code, 2);
  assert.match(stderr, /the journal of plugin calls is switched off.*--plugin-journal-size=BYTES/);
  assert.throws(() => readdirSync(join(off.homeDirectory, "plugins/journal")), { code: "ENOENT" });
});
