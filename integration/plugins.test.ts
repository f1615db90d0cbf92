/** Plugins in a real daemon: what each point's example does to real containers, volumes, networks and routes. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Daemon, eventually, projectRoot, run } from "./harness/daemon.ts";
import { Registry } from "./harness/registry.ts";
import { printed } from "./harness/printed.ts";
import { writePlugin } from "./harness/write-plugin.ts";

const build = mkdtempSync(join(tmpdir(), "pouch-built-"));
const executable = join(build, "bin/pouchd");
const compiledIn = ["daemonplugin", "legacy-env", "assistant-process", "extra-api", "volume-defaults"];
const careless = join(build, "careless");
const installed = ["net-qos", "endpoint-policy", "update-translate"];
let daemon: Daemon;

before(async () => {
  const env = { POUCH_BUILD_DIR: build, POUCH_BIN_DIR: join(build, "bin") };
  // As the guide has it.
  const chosen = await run(
    join(projectRoot, "hack/module"),
    [...compiledIn.map((name) => join(projectRoot, "hookplugins", name)), plantCareless()].map((one) => `--add-plugin=${one}`),
    env,
  );
  assert.equal(chosen.code, 0, chosen.stderr);
  const built = await run(join(projectRoot, "hack/build"), ["pouchd"], env);
  assert.equal(built.code, 0, built.stderr);
  daemon = await Daemon.start({ executable });
});

/** A plugin to be compiled in that lets go of what it began, as its label says. */
function plantCareless(): string {
  return writePlugin(careless, {
    name: "careless",
    pouch: { api: "^1.0.0", points: ["container.preCreate"], filters: { labels: ["careless"] } },
    language: "ts",
    code: `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";
     registerContainerPlugin({ preCreate({ Labels }) {
       if (Labels?.careless === "throw") setTimeout(() => { throw new Error("thrown late"); }, 10);
       if (Labels?.careless === "reject") void Promise.reject(new Error("rejected late"));
     } });`,
  });
}

after(async () => {
  await daemon[Symbol.asyncDispose]();
  rmSync(build, { recursive: true, force: true });
});

const docker = (...args: string[]): Promise<string> => printed(daemon, "docker", ...args);

async function install(source: string, more: object = {}): Promise<void> {
  const answer = await daemon.api("POST", "/plugins/install", { source, privileges: "all", ...more });
  assert.equal(answer.status, 200, answer.text);
}

function limitOf(container: string): Promise<string> {
  return docker("inspect", "-f", "{{.HostConfig.Memory}}", container);
}

test("the daemon plugin of the guide is called when the daemon starts", () => {
  assert.match(daemon.log, /"plugin":"daemonplugin".*pre-start hook in daemon is called/);
});

test("container.preCreate: a variable of an old scheduler becomes a limit the kernel holds", async () => {
  const seen = await docker(
    "run",
    "--rm",
    "-e",
    "LEGACY_MEM=64m",
    "busybox",
    "sh",
    "-c",
    "cat /sys/fs/cgroup/memory.max || cat /sys/fs/cgroup/memory/memory.limit_in_bytes",
  );
  assert.equal(seen, String(64 * 1024 * 1024));
  const refused = await daemon.docker("create", "-e", "LEGACY_MEM=lots", "busybox");
  assert.match(
    refused.stderr,
    // No error holds the value of an environment variable, also where it is the client's own mistake.
    /plugin "legacy-env" at container.preCreate: LEGACY_MEM must be a size such as 64m or 1g, got "\*\*\*"/,
  );
  assert.equal(await docker("ps", "-aq"), "");
});

test("api.updateHandler: a route more, one wrapped, one gone", async () => {
  assert.deepEqual((await daemon.api("GET", "/v1.43/extra/hello/world")).json(), { hello: "world" });
  assert.equal((await daemon.api("GET", "/version")).headers["x-extra-api"], "1.0.0");
  assert.equal((await daemon.api("POST", "/containers/prune")).status, 404);
});

test("volume.preVolumeCreate: named volumes, and those a run makes", async () => {
  await docker("volume", "create", "explicit");
  await docker("create", "--name", "with-volume", "-v", "implicit:/data", "busybox");
  for (const name of ["explicit", "implicit"]) {
    assert.equal(await docker("volume", "inspect", "-f", '{{index .Labels "volume-defaults"}}', name), "1.0.0", name);
  }
  await docker("rm", "with-volume");
  await docker("volume", "rm", "explicit", "implicit");
});

test("plugins are installed into the running daemon, and docker's own client sees them", async () => {
  for (const name of installed) await install(join(projectRoot, "hookplugins", name));
  const names = (await docker("plugin", "ls", "--format", "{{.Name}} {{.Enabled}}")).split("\n").toSorted();
  assert.deepEqual(names, [...compiledIn, "careless", ...installed].map((name) => `${name} true`).toSorted());
  assert.equal(await docker("plugin", "inspect", "-f", "{{.Config.Interface.Types}}", "net-qos"), "[pouch.container/1]");
});

test("container.preStart: a hook above 0 finds a bare namespace, one below 0 finds the network", async () => {
  const report = join(build, "seen");
  await docker(
    "run",
    "--rm",
    "--label",
    `net-qos.report=${report}`,
    "--label",
    "net-qos.somaxconn=777",
    "busybox",
    "cat",
    "/proc/sys/net/core/somaxconn",
  ).then((seen) => assert.equal(seen, "777"));
  assert.doesNotMatch(readFileSync(`${report}.before`, "utf8"), /eth0/);
  assert.match(readFileSync(`${report}.after`, "utf8"), /eth0 +inet /);
});

test("container.preCreateEndpoint: the endpoint's resolver and bandwidth", async () => {
  await docker("network", "create", "custom");
  const resolver = (...args: string[]): Promise<string> =>
    docker("run", "--rm", "--network", "custom", ...args, "busybox", "cat", "/etc/resolv.conf");
  assert.match(await resolver(), /nameserver 127\.0\.0\.11/);
  assert.doesNotMatch(await resolver("-e", "NO_EMBEDDED_DNS=1"), /nameserver 127\.0\.0\.11/);
  const id = await docker("run", "-d", "--network", "custom", "-e", "NETWORK_BANDWIDTH=10mbit", "busybox", "sleep", "60");
  const pid = await docker("inspect", "-f", "{{.State.Pid}}", id);
  const { stdout } = await run("nsenter", ["-t", pid, "-n", "tc", "qdisc", "show", "dev", "eth0"]);
  assert.match(stdout, /tbf .*rate 10Mbit/);
  await docker("rm", "-f", id);
  await docker("network", "rm", "custom");
});

test("container.preUpdate and postUpdate: an update in the old spelling, and the container's own file", async () => {
  const id = await docker("run", "-d", "busybox", "sleep", "60");
  const answer = await daemon.api("POST", `/containers/${id}/update`, { legacy: { mem_mb: 96 } });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(await limitOf(id), String(96 * 1024 * 1024));
  assert.equal(await docker("exec", id, "cat", "/etc/limits.env"), `LIMIT_MEMORY_BYTES=${96 * 1024 * 1024}`);
  const refused = await daemon.api("POST", `/containers/${id}/update`, { legacy: { mem_mb: -1 } });
  assert.equal(refused.status, 400);
  assert.match(
    refused.text,
    /plugin \\"update-translate\\" at container.preUpdate: legacy.mem_mb must be a number above 0, got -1/,
  );
  await docker("rm", "-f", id);
});

test("image.postPull: a pulled image is unpacked for the second snapshotter too, and a failing plugin fails the pull", async () => {
  const registry = await Registry.start();
  try {
    registry.mirror(join(daemon.directory, "certs.d"), "docker.io");
    const source = `docker-archive:${join(daemon.directory, "busybox.tar")}`;
    const pushed = await run("skopeo", [
      "copy",
      "-q",
      "--dest-tls-verify=false",
      source,
      `docker://${registry.host}/library/busybox:pulled`,
    ]);
    assert.equal(pushed.code, 0, pushed.stderr);
    await install(join(projectRoot, "hookplugins/second-snapshotter"));
    await docker("pull", "busybox:pulled");
    assert.match((await daemon.api("GET", "/plugins/second-snapshotter/logs")).text, /unpacked busybox:pulled for native/);
    await docker("rmi", "busybox:pulled");
    await install(join(projectRoot, "hookplugins/second-snapshotter"), { configuration: { snapshotter: "no-such-snapshotter" } });
    const failed = await daemon.docker("pull", "busybox:pulled");
    assert.notEqual(failed.code, 0);
    assert.match(failed.stdout, /Pulling from library\/busybox/);
    assert.match(failed.stderr, /plugin "second-snapshotter" at image.postPull: .*no-such-snapshotter/);
  } finally {
    await docker("plugin", "rm", "-f", "second-snapshotter");
    await registry[Symbol.asyncDispose]();
  }
});

test("disable, enable, rm through docker's client; the trace tells what was done", async () => {
  await docker("plugin", "disable", "legacy-env");
  await docker("create", "--name", "without", "-e", "LEGACY_MEM=64m", "busybox");
  assert.equal(await limitOf("without"), "0");
  await docker("plugin", "enable", "legacy-env");
  await docker("create", "--name", "with", "-e", "LEGACY_MEM=64m", "busybox");
  assert.equal(await limitOf("with"), String(64 * 1024 * 1024));
  const trace = (await daemon.api("GET", "/plugins/trace?plugin=legacy-env&limit=1")).json<{ point: string; patch: unknown }[]>();
  assert.deepEqual(
    trace.map(({ point }) => point),
    ["container.preCreate"],
  );
  await docker("rm", "without", "with");
  const enabled = await daemon.docker("plugin", "rm", "net-qos");
  assert.match(enabled.stderr, /plugin net-qos is enabled/);
  await docker("plugin", "disable", "net-qos");
  await docker("plugin", "rm", "net-qos");
  assert.doesNotMatch(await docker("plugin", "ls"), /net-qos/);
});

test("a plugin that breaks is its own problem: the message names it, other containers notice nothing", async () => {
  const folder = writePlugin(join(build, "broken"), {
    name: "broken",
    pouch: { api: "^1.0.0", points: ["container.preCreate"], filters: { labels: ["broken"] }, timeoutMs: 1000 },
    language: "ts",
    code: `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";
     registerContainerPlugin({ preCreate(config) { if (config.Labels.broken === "exit") process.exit(1); for (;;); } });`,
  });
  await install(folder);
  daemon.expectsErrors(/"plugin":"broken","msg":"its process (is stuck|ended by SIGKILL|ended with status 1)/);
  const loop = await daemon.docker("create", "--label", "broken=loop", "busybox");
  assert.match(loop.stderr, /plugin "broken" at container.preCreate: no answer within 1 s/);
  await docker("run", "--rm", "busybox", "true");
  await eventually("it answers again", async () =>
    /process|again/.test((await daemon.docker("create", "--label", "broken=exit", "busybox")).stderr),
  );
  await docker("plugin", "disable", "-f", "broken");
  await docker("plugin", "rm", "broken");
  assert.equal(await docker("ps", "-aq"), "");
});

test("what a compiled-in plugin throws late is its own: told, counted, its circuit opened, closed by disable and enable", async () => {
  daemon.expectsErrors(/"plugin":"careless","msg":"an error of its code \(container\.preCreate\) was caught by nobody/);
  const inspected = async (): Promise<string> => (await daemon.pouch("plugin", "inspect", "careless")).stdout;
  for (const how of ["throw", "reject"]) {
    await docker("rm", await docker("create", "--label", `careless=${how}`, "busybox"));
    await eventually("its circuit is open", async () => /"OpenCircuits": \[\s*\{/.test(await inspected()));
    assert.match(
      await inspected(),
      /"Point": "container\.preCreate",\s+"Reason": "not called for another .*disabling and enabling/,
    );
    const refused = await daemon.docker("create", "--label", "careless=not", "busybox");
    assert.match(
      refused.stderr,
      /plugin "careless" at container\.preCreate: not called for another [0-9]+ s after an error of its code/,
    );
    const trace = await daemon.pouch("plugin", "trace", "-n", "1");
    assert.match(trace.stdout, /careless@1\.0\.0 +container\.preCreate .*skipped\n +error: .*not called for another/);
    assert.match(trace.stderr, /^plugin careless: circuit open at container\.preCreate: not called .*closes it at once$/m);
    await docker("run", "--rm", "busybox", "true");
    await docker("plugin", "disable", "careless");
    await docker("plugin", "enable", "careless");
    assert.match(await inspected(), /"OpenCircuits": \[\s*\]/);
    await docker("rm", await docker("create", "--label", "careless=not", "busybox"));
  }
  const metrics = (await daemon.api("GET", "/metrics")).text;
  assert.match(metrics, /^pouch_plugin_late_failures_total\{plugin="careless",place="container\.preCreate"\} 2$/m);
  assert.equal(await daemon.uncaughtErrors(), 0);
  assert.match(daemon.log, /"plugin":"careless","msg":"an error of its code .*rejected late/);
});

test("kill -9 of the daemon takes assistants and plugin processes along; after the restart all plugins are there", async () => {
  const pids = (): string[] => readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && marked(pid));
  const earlier = pids();
  assert.ok(earlier.length >= 1 + (installed.length - 1), `${earlier.length} processes`);
  await daemon.kill9();
  await eventually("all of them are gone", () => earlier.every((pid) => !existsSync(`/proc/${pid}`) || !marked(pid)));
  await daemon.launch();
  assert.equal((await docker("plugin", "ls", "-q")).split("\n").length, compiledIn.length + installed.length);
  const id = await docker("run", "-d", "busybox", "sleep", "60");
  assert.equal((await daemon.api("POST", `/containers/${id}/update`, { legacy: { mem_mb: 80 } })).status, 200);
  await docker("rm", "-f", id);
});

test("the daemon plugin of the guide is called when the daemon stops, and its assistant is gone then", async () => {
  const left = await docker("ps", "-aq");
  if (left !== "") await docker("rm", "-f", ...left.split("\n"));
  assert.equal(await daemon.stop(), 0);
  assert.match(daemon.log, /"plugin":"daemonplugin".*pre-stop hook in daemon is called/);
  assert.match(daemon.log, /assistant process is stopped/);
});

/** Whether a process belongs to a plugin of this daemon. */
function marked(pid: string): boolean {
  try {
    if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))) return false;
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return environment.includes("POUCH_PROCESS_MARK=") && (environment.includes(daemon.execRoot) || parent === String(ownPid()));
  } catch {
    return false;
  }
}

function ownPid(): number {
  return Number(readFileSync(join(daemon.directory, "pid"), "utf8"));
}
