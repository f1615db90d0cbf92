/** Shadow mode on real containers: what a plugin would do is read in the trace, and neither containers nor clients notice it. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sharedDaemon } from "./harness/shared-daemon.ts";
import { writePlugin } from "./harness/write-plugin.ts";

const { daemon, scratch: folder } = await sharedDaemon("shadow");

before(async () => {
  writePlugin(folder, {
    name: "limiter",
    pouch: {
      api: "^1.2.0",
      points: ["container.preCreate", "container.preStart"],
      // Longer than the test: a client that waited for it would be seen.
      timeoutMs: 120_000,
      permissions: { fields: { "container.preCreate": ["HostConfig.PidsLimit"] }, hooks: true },
    },
    code: `import { forbidden, registerContainerPlugin } from "@pouchcontainer/plugin-sdk";
registerContainerPlugin({
  async preCreate(config) {
    const { does } = config.Labels ?? {};
    if (does === "refuse") throw forbidden("not on this host");
    if (does === "hang") await new Promise(() => undefined);
    if (does === "more") config.User = "nobody";
    config.HostConfig.PidsLimit = 77;
  },
  preStart: () => [{ priority: 1, args: ["/bin/false"] }],
});
`,
  });
  const installed = await daemon.pouch("plugin", "install", "--shadow", "--grant-all-permissions", folder);
  assert.equal(installed.code, 0, installed.stderr);
});

/** The limit that the kernel has for a container which does what the label says. */
async function limit(name: string, does: string): Promise<string> {
  const cat = "cat /sys/fs/cgroup/pids.max || cat /sys/fs/cgroup/pids/pids.max";
  const { code, stdout, stderr } = await daemon.docker(
    "run",
    "--name",
    name,
    "--label",
    `does=${does}`,
    "busybox",
    "sh",
    "-c",
    cat,
  );
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

async function traceOf(name: string, expected: RegExp): Promise<string> {
  let trace = "";
  for (let round = 0; round < 100 && !expected.test(trace); round += 1) {
    trace = (await daemon.pouch("plugin", "trace", name)).stdout;
    await sleep(50);
  }
  return trace;
}

test("the kernel's limit stays as it was and no hook runs; the trace has both, and the mode outlives the daemon", async () => {
  const usual = await limit("first", "limit");
  assert.notEqual(usual, "77");
  const trace = await traceOf("first", /preStart/);
  assert.match(trace, /container.preCreate .*shadow: would change\n {4}\w+ \/HostConfig\/PidsLimit 77\n/);
  assert.match(trace, /container.preStart .*shadow: would change\n.*\/bin\/false/);
  assert.match((await daemon.pouch("plugin", "ls")).stdout, /limiter .*true +shadow/);
  await daemon.kill9();
  await daemon.launch();
  assert.equal(await limit("second", "limit"), usual);

  assert.equal((await daemon.pouch("plugin", "set-mode", "limiter", "active")).code, 0);
  const active = await daemon.docker("create", "--label", "does=limit", "busybox", "true");
  const shown = await daemon.docker("inspect", "-f", "{{.HostConfig.PidsLimit}}", active.stdout.trim());
  assert.equal(shown.stdout.trim(), "77", active.stderr);
  assert.equal((await daemon.pouch("plugin", "set-mode", "limiter", "shadow")).code, 0);
});

test("what it refuses, may not do or hangs in stops no client, and is traced", async () => {
  await limit("refused", "refuse");
  assert.match(await traceOf("refused", /preCreate/), /shadow: would refuse\n {4}error: .*not on this host/);
  await limit("more", "more");
  assert.match(await traceOf("more", /preCreate/), /shadow: failed\n {4}error: .*it changed User without a grant/);
  await limit("hung", "hang");
  const { text } = await daemon.api("GET", "/metrics");
  assert.match(
    text,
    /pouch_plugin_shadow_call_duration_seconds_count\{plugin="limiter",point="container.preCreate",outcome="refused"\} 1/,
  );
  assert.doesNotMatch(
    text,
    /pouch_plugin_call_duration_seconds_count\{plugin="limiter",point="container.preCreate",outcome="refused"/,
  );
  const removed = await daemon.pouch("plugin", "rm", "-f", "limiter");
  assert.equal(removed.code, 0, removed.stderr);
});
