/** Policies in a real daemon: rules without code that change and refuse, are reloaded while it runs, and refused when they are wrong. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "./harness/daemon.ts";
import { sharedDaemon } from "./harness/shared-daemon.ts";
import { printed } from "./harness/printed.ts";

const { daemon, scratch } = await sharedDaemon("policies");

const pouch = (...args: string[]): Promise<string> => printed(daemon, "pouch", ...args);

/** What `docker run` says that fails. */
async function refusal(...args: string[]): Promise<string> {
  const { code, stderr } = await daemon.docker("run", "--rm", ...args);
  assert.notEqual(code, 0);
  return stderr.trim();
}

const example = (name: string): string => join(projectRoot, "hookplugins/policies", `${name}.json`);

test("a policy gives containers a limit that the kernel holds, and a dry run and the trace tell of it", async () => {
  assert.equal(await pouch("plugin", "install", example("default-limits")), "default-limits");
  assert.match(await pouch("plugin", "ls"), /default-limits +1\.0\.0 +policy +0 /);
  assert.equal(
    await pouch(
      "run",
      "--rm",
      "--label",
      "tier=web",
      "busybox",
      "sh",
      "-c",
      "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes",
    ),
    String(512 * 1024 * 1024),
  );
  assert.match(
    await pouch("plugin", "trace", "-n", "1"),
    /default-limits.*container\.preCreate.*changed[^]*\/HostConfig\/Memory/,
  );
  const body = join(scratch, "body.json");
  writeFileSync(body, JSON.stringify({ Image: "busybox", Labels: { tier: "batch" } }));
  assert.match(await pouch("plugin", "dry-run", "container.preCreate", body), /\/HostConfig\/Memory.*1073741824/);
  await pouch("plugin", "rm", "-f", "default-limits");
});

test("a policy refuses in its own words, which docker run shows, and is reloaded while the daemon runs", async () => {
  const file = join(scratch, "policy.json");
  const policy = JSON.parse(readFileSync(example("allowed-registries"), "utf8")) as {
    policy: { validations: { expression: string }[] };
  };
  writeFileSync(file, JSON.stringify(policy));
  await pouch("plugin", "install", file);
  assert.match(
    await refusal("busybox", "true"),
    /plugin "allowed-registries" at container\.validateCreate: image "busybox(:latest)?" is not of registry\.example\.com/,
  );
  const [validation] = policy.policy.validations;
  assert.ok(validation);
  validation.expression = "variables.image.startsWit('busybox')";
  writeFileSync(file, JSON.stringify(policy));
  const broken = await daemon.pouch("plugin", "reload", "allowed-registries");
  assert.equal(broken.code, 1);
  assert.match(
    broken.stderr,
    /policy "allowed-registries": policy\.validations\[0\]\.expression, line 1, column \d+: there is no function startsWit/,
  );
  assert.match(await refusal("busybox", "true"), /is not of registry\.example\.com/);
  validation.expression = "variables.image.startsWith('busybox')";
  writeFileSync(file, JSON.stringify(policy));
  await pouch("plugin", "reload", "allowed-registries");
  assert.equal(await pouch("run", "--rm", "busybox", "echo", "allowed"), "allowed");
  await pouch("plugin", "disable", "allowed-registries");
  await pouch("plugin", "rm", "allowed-registries");
});

test("a policy with a broken rule is not installed, and one that runs without end fails the call it is in alone", async () => {
  const file = join(scratch, "endless.json");
  const write = (expression: string): void =>
    writeFileSync(
      file,
      JSON.stringify({
        name: "endless",
        version: "1.0.0",
        pouch: { api: "^1.0.0", points: ["container.preExec"] },
        policy: { validations: [{ expression }] },
      }),
    );
  write("object.Comd.size() > 0");
  const refused = await daemon.pouch("plugin", "install", file);
  assert.match(refused.stderr, /policy\.validations\[0\]\.expression, line 1, column 7: there is no field Comd; there is Cmd, /);
  write("object.Cmd.all(a, object.Cmd.all(b, object.Cmd.all(c, a + b != c || true)))");
  await pouch("plugin", "install", file);
  const id = await pouch("run", "-d", "busybox", "sleep", "600");
  const words = Array.from({ length: 200 }, (_, index) => `word-${index}`);
  const endless = await daemon.docker("exec", id, "echo", ...words);
  assert.match(
    endless.stderr,
    /plugin "endless" at container\.preExec: policy\.validations\[0\]\.expression failed: it takes more than 100000 steps/,
  );
  assert.equal(await pouch("exec", id, "echo", "short"), "short");
  await pouch("rm", "-f", id);
  await pouch("plugin", "rm", "-f", "endless");
});
