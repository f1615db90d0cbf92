/** New versions that take a share of a plugin's calls first, in a real daemon: their effect, and that no client sees them fail. */
import type { Plugin } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { eventually, projectRoot, type CommandResult } from "./harness/daemon.ts";
import { sharedDaemon } from "./harness/shared-daemon.ts";
import { writePlugin } from "./harness/write-plugin.ts";

const { daemon, scratch: folder } = await sharedDaemon("canary");

before(async () => {
  version("1.0.0");
  const installed = await daemon.pouch("plugin", "install", "--grant-all-permissions", folder);
  assert.equal(installed.code, 0, installed.stderr);
});

/** Writes a version of the plugin, which tells containers that it made them. */
function version(of: string, { first = "", fields = ["Env.MADE_BY"], timeoutMs = 10_000 } = {}): void {
  writePlugin(folder, {
    name: "maker",
    version: of,
    pouch: {
      api: "^1.2.0",
      points: ["container.preCreate"],
      timeoutMs,
      permissions: { fields: { "container.preCreate": fields } },
    },
    code: `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";
registerContainerPlugin({
  async preCreate(config) {
    ${first}
    config.Env = [...(config.Env ?? []), "MADE_BY=${of}"];
  },
});
`,
  });
}

function reload(...flags: string[]): Promise<CommandResult> {
  return daemon.pouch("plugin", "reload", ...flags, "maker");
}

/** Tries the version that is in the folder. */
async function begin(...flags: string[]): Promise<void> {
  const { code, stdout, stderr } = await reload("--canary", "50%", ...flags);
  assert.deepEqual([code, stdout], [0, "maker\n"], stderr);
}

async function pouch(): Promise<NonNullable<Plugin["Pouch"]>> {
  const { text } = await daemon.api("GET", "/plugins/maker/json");
  // The daemon's answer about a plugin.
  return (JSON.parse(text) as Plugin).Pouch ?? assert.fail(text);
}

/** Which version made a new container; every create has to succeed. */
async function madeBy(): Promise<string> {
  const { code, stdout, stderr } = await daemon.docker("create", "busybox", "true");
  assert.equal(code, 0, stderr);
  const shown = await daemon.docker("inspect", "-f", "{{range .Config.Env}}{{println .}}{{end}}", stdout.trim());
  return /^MADE_BY=(.*)$/m.exec(shown.stdout)?.[1] ?? assert.fail(shown.stdout);
}

async function madeByEach(creates: number): Promise<string[]> {
  const versions: string[] = [];
  for (let create = 0; create < creates; create += 1) versions.push(await madeBy());
  return versions;
}

/** Creates containers until the canary is gone; who made them. */
async function untilItIsGone(): Promise<Set<string>> {
  const versions = new Set<string>();
  for (let create = 0; create < 100; create += 1) {
    versions.add(await madeBy());
    if ((await pouch()).Canary === null) return versions;
  }
  return assert.fail("the canary is still there");
}

async function folderIsSwept(): Promise<void> {
  const installed = join(daemon.homeDirectory, "plugins/installed");
  await eventually("its folder is gone", () => readdirSync(installed).length === 1);
}

async function lastEvent(): Promise<string> {
  const now = String(Math.ceil(Date.now() / 1000));
  const filters = ["--filter", "type=plugin", "--filter", "event=canary-failed"];
  const format = "{{.Actor.Attributes.version}}: {{.Actor.Attributes.reason}}";
  const { stdout, stderr } = await daemon.docker("events", "--since", "0", "--until", now, ...filters, "--format", format);
  return stdout.trim().split("\n").at(-1) ?? assert.fail(stderr);
}

test("both versions make containers, as inspect counts; promoted the new one makes all", async () => {
  version("2.0.0");
  await begin();
  const versions = await madeByEach(24);
  const fresh = versions.filter((one) => one === "2.0.0").length;
  assert.deepEqual([...new Set(versions)].toSorted(), ["1.0.0", "2.0.0"]);
  const { Version, Canary } = await pouch();
  assert.deepEqual([Version, Canary?.Version, Canary?.Share, Canary?.Calls], ["1.0.0", "2.0.0", "50%", fresh]);
  const traced = await daemon.pouch("plugin", "trace", "-n", "24");
  assert.equal(traced.stdout.match(/ {2}maker@2\.0\.0 {2}container\.preCreate/g)?.length, fresh, traced.stdout);

  const promoted = await daemon.pouch("plugin", "canary", "maker", "--promote");
  assert.deepEqual([promoted.code, promoted.stdout], [0, "maker\n"], promoted.stderr);
  assert.deepEqual(new Set(await madeByEach(8)), new Set(["2.0.0"]));
  const ran = await daemon.docker("run", "--rm", "busybox", "sh", "-c", "echo $MADE_BY");
  assert.equal(ran.stdout.trim(), "2.0.0", ran.stderr);
  await folderIsSwept();
});

test("aborted it makes none", async () => {
  version("3.0.0");
  await begin();
  const aborted = await daemon.pouch("plugin", "canary", "--abort", "maker");
  assert.deepEqual([aborted.code, aborted.stdout], [0, "maker\n"], aborted.stderr);
  assert.deepEqual(new Set(await madeByEach(8)), new Set(["2.0.0"]));
  await folderIsSwept();
  const none = await daemon.pouch("plugin", "canary", "maker", "--promote");
  assert.deepEqual([none.code, /plugin maker has no canary/.test(none.stderr)], [1, true], none.stderr);
});

test("one that throws goes back by itself, and no client saw an error", async () => {
  version("4.0.0", { first: `throw new Error("boom");` });
  await begin();
  assert.deepEqual(await untilItIsGone(), new Set(["2.0.0"]));
  assert.match(await lastEvent(), /^4\.0\.0: of its 3 calls 3 failed, the last: .* boom \(the limit: 3\)$/);
  assert.match(daemon.log, /its canary 4\.0\.0 is taken back: of its 3 calls 3 failed/);
  await folderIsSwept();
});

test("one whose process ends goes back, and no client saw an error", async () => {
  daemon.expectsErrors(/its process ended with status 3; starting it again/);
  version("5.0.0", { first: "process.exit(3);" });
  await begin();
  assert.deepEqual(await untilItIsGone(), new Set(["2.0.0"]));
  await folderIsSwept();
});

test("one that is slow goes back, and its answers count", async () => {
  version("6.0.0", { first: "await new Promise((resolve) => setTimeout(resolve, 300));" });
  await begin("--canary-max-ms", "50", "--canary-failures", "2");
  assert.ok((await untilItIsGone()).has("6.0.0"));
  assert.equal(await lastEvent(), "6.0.0: of its 2 calls 2 took longer than 50 ms (the limit: 2)");
  assert.deepEqual(new Set(await madeByEach(8)), new Set(["2.0.0"]));
  await folderIsSwept();
});

test("a change says for which calls it waits; Ctrl-C ends that wait, and the call ends in the version it began in", async () => {
  const go = join(folder, "go");
  const hang = `const { existsSync } = await import("node:fs");
    while (config.Labels?.hang && !existsSync(${JSON.stringify(go)})) await new Promise((resolve) => setTimeout(resolve, 20));`;
  version("2.0.1", { first: hang, timeoutMs: 60_000 });
  assert.equal((await reload()).code, 0);
  const creating = daemon.docker("create", "--label", "hang=yes", "busybox", "true");
  await eventually("its call runs", async () => (await pouch()).Details["CallsInFlight"] === 1);
  const command = spawn(join(projectRoot, "bin/pouch"), [
    "-H",
    `unix://${daemon.socket}`,
    "plugin",
    "set-mode",
    "maker",
    "shadow",
  ]);
  const ended = once(command, "exit");
  let said = "";
  command.stderr.on("data", (chunk) => (said += String(chunk)));
  await eventually("it says that it waits", () => /^maker: waiting for 1 call in version 2\.0\.1 until \S+Z/m.test(said));
  command.kill("SIGINT");
  assert.deepEqual(await ended, [130, null], said);
  assert.match(said, /plugin maker is enabled now, mode shadow; the daemon waits for 1 call in version 2\.0\.1 until/);
  writeFileSync(go, "");
  const { code, stdout, stderr } = await creating;
  assert.equal(code, 0, stderr);
  const shown = await daemon.docker("inspect", "-f", "{{.Config.Env}}", stdout.trim());
  assert.match(shown.stdout, /MADE_BY=2\.0\.1/);
  const active = await daemon.pouch("plugin", "set-mode", "maker", "active");
  assert.deepEqual([active.code, active.stdout], [0, "maker\n"], active.stderr);
  version("2.0.0");
  assert.equal((await reload()).code, 0);
});

test("what asks for more is no canary until that is granted, and a share is one below 100%", async () => {
  version("7.0.0", { fields: ["Env.MADE_BY", "User"] });
  const ungranted = await reload("--canary", "50%");
  assert.equal(ungranted.code, 1);
  assert.match(ungranted.stderr, /is requesting privileges.*\n - fields at container.preCreate: \[User\]\n/);
  const answer = await daemon.api("POST", "/plugins/maker/reload?canary=150%25");
  assert.deepEqual([answer.status, /canary must be a share of the calls such as 5%/.test(answer.text)], [400, true], answer.text);
  assert.equal((await pouch()).Canary, null);
  await begin("--grant-all-permissions");
  assert.equal((await pouch()).Canary?.Version, "7.0.0");
});

test("after kill -9 of the daemon the old version is there, and the log says that the canary is not", async () => {
  assert.equal((await pouch()).Canary?.Version, "7.0.0");
  await daemon.kill9();
  await daemon.launch();
  const { Version, Canary, Permissions } = await pouch();
  assert.deepEqual([Version, Canary, Permissions?.Granted[0]?.Value], ["2.0.0", null, ["Env.MADE_BY"]]);
  assert.match(daemon.log, /its canary 7\.0\.0 is gone: the daemon ended while it was tried/);
  assert.deepEqual(new Set(await madeByEach(4)), new Set(["2.0.0"]));
  await folderIsSwept();
});
