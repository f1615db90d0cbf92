/** The daemon itself: start, stop, what it says when it cannot, and that it leaves nothing behind. */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { Daemon, eventually, projectRoot, run } from "./harness/daemon.ts";
import { processes } from "./soak/machine-state.ts";
import { sendSignal } from "./harness/send-signal.ts";
import { writePlugin } from "./harness/write-plugin.ts";

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "pouch-daemon-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Names of this run alone, as the same test may run beside it. */
const [neverBridge, neverTable, other] = [`pnever${process.pid}`, `pouch_never_${process.pid}`, `pother${process.pid}`];

function stateFlags(directory: string): string[] {
  return [
    ["--home-dir", join(directory, "home")],
    ["--exec-root-dir", join(directory, "run")],
    ["--pidfile", join(directory, "pid")],
    ["--listen", `unix://${join(directory, "p.sock")}`],
    ["--bridge-name", neverBridge],
    ["--nft-table", neverTable],
  ].flat();
}

function pouchd(args: string[], env: Record<string, string> = {}): { code: number | null; stderr: string; stdout: string } {
  const result = spawnSync(join(projectRoot, "bin/pouchd"), args, {
    encoding: "utf8",
    timeout: 60_000,
    env: { ...process.env, ...env },
  });
  return { code: result.status, stderr: result.stderr, stdout: result.stdout };
}

test("--version and --help answer without touching the machine; a wrong flag ends with 2 and a suggestion", () => {
  assert.match(pouchd(["--version"]).stdout, /^pouchd version \d+\.\d+\.\d+, build /);
  assert.match(pouchd(["--help"]).stdout, /--home-dir DIR/);
  const wrong = pouchd(["--snapshoter", "x"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /did you mean --snapshotter\?/);
});

test("without containerd or runc the daemon says what to install and leaves no process", (t) => {
  const directory = folder(t);
  const missing = pouchd([...stateFlags(directory), "--containerd-path", "/nope/containerd"]);
  assert.equal(missing.code, 1, missing.stderr);
  assert.match(missing.stderr, /\/nope\/containerd.*install/s);
  const noRunc = pouchd([...stateFlags(directory), "--runtime-path", "/nope/runc"]);
  assert.equal(noRunc.code, 1, noRunc.stderr);
  assert.match(noRunc.stderr, /\/nope\/runc.*install/s);
  assert.ok(!existsSync(join(directory, "pid")));
});

test("a socket that another daemon serves is not taken away", async (t) => {
  const directory = folder(t);
  const socket = join(directory, "p.sock");
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(socket, resolve));
  t.after(() => other.close());
  const second = await run(join(projectRoot, "bin/pouchd"), stateFlags(directory));
  assert.equal(second.code, 1);
  assert.match(second.stderr, /p\.sock: another program listens there/);
});

test("one home directory has one daemon", async () => {
  await using daemon = await Daemon.start({ image: false });
  const directory = mkdtempSync(join(tmpdir(), "pouch-second-"));
  const second = pouchd([...stateFlags(directory), "--home-dir", daemon.homeDirectory]);
  rmSync(directory, { recursive: true });
  assert.equal(second.code, 1);
  assert.match(second.stderr, /in use by another daemon/);
  assert.equal((await daemon.api("GET", "/_ping")).status, 200);
});

test("an exec root is one daemon's: another with a home of its own is refused, told who has it, and harms nothing", async (t) => {
  await using daemon = await Daemon.start();
  const run = await daemon.docker("run", "-d", "--name", "lives", "--network", "none", "busybox", "sleep", "600");
  assert.equal(run.code, 0, run.stderr);
  const directory = mkdtempSync(join(tmpdir(), "pouch-second-"));
  t.after(() => rmSync(directory, { recursive: true }));

  const second = pouchd([...stateFlags(directory), "--exec-root-dir", daemon.execRoot]);

  assert.equal(second.code, 1);
  const owner = `process ${daemon.pid} with --home-dir ${daemon.homeDirectory}`;
  assert.ok(second.stderr.includes(`${daemon.execRoot} is in use by another daemon (${owner})`), second.stderr);
  const state = await daemon.docker("inspect", "-f", "{{.State.Running}}", "lives");
  assert.equal(state.stdout.trim(), "true");
});

test("a plugin that keeps the daemon down is switched off in safe mode, or offline", async (t) => {
  const plugin = folder(t);
  writePlugin(plugin, {
    name: "bad",
    pouch: { api: "^1.0.0", points: ["daemon.preStartHook"] },
    code: `import { registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
import { existsSync } from "node:fs";
if (existsSync(${JSON.stringify(join(plugin, "broken"))})) throw new Error("rotten");
registerDaemonPlugin({
  preStartHook() {
    if (existsSync(${JSON.stringify(join(plugin, "throws"))})) throw new Error("no assistant today");
  },
});
`,
  });
  const flags: string[] = [];
  await using daemon = await Daemon.start({ flags, image: false });
  const installed = await daemon.api("POST", "/plugins/install", { source: plugin });
  assert.equal(installed.status, 200, installed.text);
  await daemon.stop();

  writeFileSync(join(plugin, "throws"), "");
  await assert.rejects(daemon.launch(), /plugin "bad" at daemon.preStartHook: no assistant today; --safe-mode starts the daemon/);

  const home = ["--home-dir", daemon.homeDirectory];
  assert.match(pouchd(["plugin", "ls", ...home]).stdout, /^bad +1\.0\.0 +installed +true +active +daemon\.preStartHook$/m);
  const unknown = pouchd(["plugin", "disable", "good", ...home]);
  assert.deepEqual([unknown.code, unknown.stdout], [1, ""]);
  assert.match(unknown.stderr, /plugin "good" is neither installed nor compiled in \(there are: bad\)/);
  const disabled = pouchd(["plugin", "disable", "bad", ...home]);
  assert.deepEqual([disabled.code, disabled.stdout], [0, "bad\n"], disabled.stderr);
  await daemon.launch();
  const whileItRuns = pouchd(["plugin", "enable", "bad", ...home]);
  assert.equal(whileItRuns.code, 1);
  assert.match(whileItRuns.stderr, /the daemon of \S+ runs: ask it, by `pouch plugin enable bad`, or stop it/);
  assert.match((await daemon.pouch("plugin", "ls", "--format", "{{.Name}} {{.Enabled}}")).stdout, /^bad false$/m);
  await daemon.stop();
  assert.equal(pouchd(["plugin", "enable", "bad", ...home]).code, 0);
  assert.match(pouchd(["plugin", "ls", ...home]).stdout, /^bad .* true /m);

  flags.push("--safe-mode");
  await daemon.launch();
  assert.match(daemon.log, /"plugins":\["bad"\],"msg":"safe mode: no plugin is started or called/);
  assert.match((await daemon.pouch("info")).stderr, /WARNING: Safe mode: no plugin is started or called/);
  assert.match(
    (await daemon.pouch("plugin", "ls", "--format", "{{.Name}} {{.Enabled}} {{.State}}")).stdout,
    /^bad true held back$/m,
  );
  assert.equal((await daemon.pouch("plugin", "disable", "bad")).code, 0);
  await daemon.stop();

  flags.pop();
  await daemon.launch();
  rmSync(join(plugin, "throws"));
  assert.equal((await daemon.pouch("plugin", "enable", "bad")).code, 0);
  await daemon.stop();

  writeFileSync(join(plugin, "broken"), "");
  daemon.expectsErrors(/could not be started: rotten|"plugin":"bad","msg":"(Error: rotten| +at )/);
  await daemon.launch();
  assert.match(
    (await daemon.pouch("plugin", "ls", "--format", "{{.Name}} {{.Enabled}} {{.State}}")).stdout,
    /^bad true failed$/m,
  );
});

test("a set of plugins in a file is in force from the start on; a broken file ends the start, a broken plugin does not", async (t) => {
  const directory = folder(t);
  const file = join(directory, "plugins.json");
  const write = (plugins: object[]): void => writeFileSync(file, JSON.stringify({ plugins }));
  const plugin = (name: string, hostname: string): void => {
    const permissions = { fields: { "container.preCreate": ["Hostname"] } };
    writePlugin(join(directory, name), {
      name,
      pouch: { api: "^1.2.0", points: ["container.preCreate", "daemon.preStartHook"], permissions },
      code: `import { registerContainerPlugin, registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
registerContainerPlugin({ preCreate(config) { config.Hostname = "${hostname}"; } });
registerDaemonPlugin({ preStartHook({ log }) { log.info("begun as ${hostname}"); } });
`,
    });
  };
  plugin("named", "one");
  write([{ name: "named", source: "./named", grantAllPermissions: true }]);
  await using daemon = await Daemon.start({ flags: ["--plugin-set", file] });
  const seen = async (): Promise<string> =>
    (await daemon.docker("run", "--rm", "--network", "none", "busybox", "hostname")).stdout;
  assert.equal(await seen(), "one\n");
  write([{ name: "named", source: "./named" }]);
  assert.equal(daemon.log.match(/"plugin":"named","msg":"begun as one"/g)?.length, 1);
  await daemon.stop();

  plugin("named", "two");
  await daemon.launch();
  assert.equal(await seen(), "two\n");
  await daemon.stop();

  writeFileSync(join(directory, "named", "index.js"), "this is no program");
  daemon.expectsErrors(
    /"plugin":"named","error":"plugin \\"named\\" could not be started.*cannot be as the set of plugins wants it/,
  );
  daemon.expectsErrors(
    /"plugin":"named","msg":"(SyntaxError: Unexpected identifier|file:\/\/\S+\/index\.js:1"|this is no program"| +\^\^")/,
  );
  await daemon.launch();
  assert.equal(await seen(), "two\n", "the old version stays");
  await daemon.stop();

  write([{ name: "named", enabled: "no" }]);
  await assert.rejects(daemon.launch(), /plugins\.json: plugins\[0\]\.enabled must be boolean, got "no"/);
  write([{ name: "named", enabled: false }]);
  await daemon.launch();
  assert.notEqual(await seen(), "two\n");

  plugin("named", "three");
  write([{ name: "named", source: "./named" }]);
  const dry = await daemon.pouch("plugin", "apply", "-f", file, "--dry-run");
  assert.match(dry.stdout, /^replace named\n( .*\n)* {2}- content: sha256:\S+\n {2}\+ content: sha256:/, dry.stderr);
  assert.match(dry.stdout, / {2}- enabled: false\n {2}\+ enabled: true\n/);
  assert.notEqual(await seen(), "three\n");
  assert.equal((await daemon.pouch("plugin", "apply", "-f", file)).stdout, dry.stdout);
  assert.equal(await seen(), "three\n");
  const exported = join(directory, "exported.json");
  assert.equal((await daemon.pouch("plugin", "export", "-o", exported)).code, 0);
  assert.equal((await daemon.pouch("plugin", "apply", "-f", exported)).stdout, "Nothing to change.\n");
  write([
    { name: "named", source: "./named" },
    { name: "other", source: "./nowhere" },
  ]);
  const refused = await daemon.pouch("plugin", "apply", "-f", file);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /there is no folder or archive \S+nowhere on the daemon's host/);
});

test("pidfile, bridge and rules are one daemon's: another is refused, told which and whose, and the first's containers keep their network", async (t) => {
  await using daemon = await Daemon.start();
  const served = ["sh", "-c", "while :; do echo words | nc -l -p 80; done"];
  const started = await daemon.docker("run", "-d", "--name", "web", "-p", "80", "busybox", ...served);
  assert.equal(started.code, 0, started.stderr);
  const port = (await daemon.docker("port", "web", "80")).stdout.trim().split("\n")[0]?.split(":").pop() ?? "";
  const reached = async (): Promise<string> => {
    const heard = await eventually("the published port answers", async () => {
      const { stdout } = await run("busybox", ["nc", "-w", "1", "127.0.0.1", port]);
      return stdout !== "" && stdout;
    });
    return heard.trim();
  };
  assert.equal(await reached(), "words");
  const state = (): string[] => [
    readFileSync(join(daemon.directory, "pid"), "utf8"),
    execFileSync("nft", ["list", "table", "inet", daemon.nftTable], { encoding: "utf8" }),
    execFileSync("ip", ["-o", "address", "show", "dev", daemon.bridge], { encoding: "utf8" }),
  ];
  const before = state();
  const directory = mkdtempSync(join(tmpdir(), "pouch-second-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const refusal = (...flags: string[]): string => {
    const { code, stderr } = pouchd([...stateFlags(directory), ...flags]);
    assert.equal(code, 1, stderr);
    assert.deepEqual(state(), before);
    return stderr;
  };

  const pidfile = join(daemon.directory, "pid");
  assert.ok(refusal("--pidfile", pidfile).includes(`pouchd already runs with pid ${daemon.pid} (${pidfile})`));
  const owner = `(process ${daemon.pid} with --home-dir ${daemon.homeDirectory})`;
  const [bridge, table] = [`the bridge ${daemon.bridge}`, `the nftables table ${daemon.nftTable}`];
  const sharing = ["--bridge-name", daemon.bridge];
  assert.ok(refusal(...sharing).includes(`${bridge} is in use by another daemon ${owner}`));
  assert.ok(refusal("--nft-table", daemon.nftTable).includes(`${table} is in use by another daemon ${owner}`));
  const elsewhere = ["--bridge-name", `${daemon.bridge}x`, "--nft-table", `${daemon.nftTable}x`];
  assert.ok(
    refusal(...elsewhere, "--exec-root-dir", daemon.homeDirectory).includes(
      `the folder ${daemon.homeDirectory} is in use by another daemon ${owner}`,
    ),
  );
  const inner = join(daemon.homeDirectory, "containers", "inner");
  const isInner = `the folder ${inner} lies in ${daemon.homeDirectory}, which is in use by another daemon ${owner}`;
  assert.ok(refusal(...elsewhere, "--home-dir", inner).includes(isInner));
  assert.ok(refusal(...elsewhere, "--exec-root-dir", inner).includes(isInner));
  assert.ok(
    refusal(...elsewhere, "--home-dir", join(daemon.execRoot, "inner")).includes(
      `lies in ${daemon.execRoot}, which is in use by another daemon ${owner}`,
    ),
  );
  const around = refusal(...elsewhere, "--home-dir", daemon.directory);
  assert.ok(around.includes(`the folder ${daemon.directory} has in it ${daemon.directory}/`), around);
  assert.ok(around.includes(`which is in use by another daemon ${owner}`), around);
  assert.ok(!existsSync(inner) && !existsSync(join(daemon.directory, "pouch.db")));
  const socket = join(daemon.execRoot, "containerd.sock");
  assert.ok(
    refusal(...elsewhere, "--containerd", socket).includes(
      `the namespace pouch of the containerd at ${socket} is in use by another daemon ${owner}`,
    ),
  );
  // Its containers live on without it, with bridge and rules.
  await daemon.kill9();
  assert.ok(refusal(...sharing).includes(`${bridge} belongs to a daemon that does not run ${owner}`));
  assert.ok(refusal("--nft-table", daemon.nftTable).includes(`${table} belongs to a daemon that does not run ${owner}`));
  // What is in its folders is its own, too.
  const modes = () =>
    [daemon.homeDirectory, daemon.execRoot, join(daemon.homeDirectory, "containers")].map((path) => statSync(path).mode);
  chmodSync(daemon.homeDirectory, 0o755);
  const open = modes();
  const isHome = `${daemon.homeDirectory} is the home of another daemon`;
  assert.ok(refusal(...elsewhere, "--exec-root-dir", daemon.homeDirectory).includes(`--exec-root-dir: ${isHome}`));
  assert.ok(refusal(...elsewhere, "--home-dir", daemon.execRoot).includes(`${daemon.execRoot} is the exec root of a daemon`));
  assert.ok(refusal(...elsewhere, "--home-dir", inner).includes(`${inner} lies in ${daemon.homeDirectory}, the home of another`));
  assert.ok(
    refusal(...elsewhere, "--exec-root-dir", daemon.directory).includes(`${daemon.directory} has in it ${daemon.directory}/`),
  );
  assert.deepEqual(modes(), open);
  await daemon.launch();
  assert.equal(await reached(), "words");
});

test("a home whose daemon was killed starts with another exec root when no container runs, and its old containerd ends", async () => {
  await using daemon = await Daemon.start({ image: false });
  await daemon.kill9();
  const left = Number(readFileSync(join(daemon.execRoot, "containerd", "containerd.pid"), "utf8").split(" ")[0]);
  daemon.moveExecRoot("run2");
  await daemon.launch();
  // It may be nobody's child that is waited for: what ended has no command line.
  assert.equal(existsSync(`/proc/${left}`) ? readFileSync(`/proc/${left}/cmdline`, "utf8") : "", "");
  assert.equal((await daemon.api("GET", "/_ping")).status, 200);
});

test("a home with containers is not begun anew in another namespace, nor with another bridge or table", async (t) => {
  await using daemon = await Daemon.start();
  const id = (await daemon.docker("run", "-d", "busybox", "sleep", "300")).stdout.trim();
  assert.equal(await daemon.stop(), 0);
  const directory = mkdtempSync(join(tmpdir(), "pouch-second-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const pidfile = join(daemon.directory, "pid");
  const folders = ["--home-dir", daemon.homeDirectory, "--exec-root-dir", daemon.execRoot, "--pidfile", pidfile];
  const own = [...folders, "--bridge-name", daemon.bridge, "--nft-table", daemon.nftTable];
  const refusal = (...flags: string[]): string => {
    const { code, stderr } = pouchd([...stateFlags(directory), ...own, ...flags]);
    assert.equal(code, 1, stderr);
    return stderr;
  };
  assert.match(refusal("--default-namespace", "other"), /the containers of .* are in the namespace \S+ .*: start with that one/);
  assert.match(refusal("--bridge-name", other), /had the bridge .* start with that name again/);
  assert.match(refusal("--nft-table", other), /had the table .* start with that name again/);
  await daemon.launch();
  assert.equal((await daemon.docker("inspect", "-f", "{{.State.Status}}", id)).stdout.trim(), "running");
});

test("signals that ask other daemons for something end nothing and open nothing", async () => {
  await using daemon = await Daemon.start({ image: false });
  process.kill(daemon.pid, "SIGUSR1");
  for (const signal of ["SIGHUP", "SIGUSR2"] as const) {
    process.kill(daemon.pid, signal);
    await eventually("it is noticed", () => Promise.resolve(daemon.log.includes(`${signal}: `)));
  }
  assert.equal((await daemon.api("GET", "/_ping")).status, 200);
  // Node's own handler opens its debugger, to every user of the host.
  assert.doesNotMatch(daemon.log, /Debugger listening/);
  assert.doesNotMatch(execFileSync("ss", ["-Hltnp"], { encoding: "utf8" }), new RegExp(`pid=${daemon.pid},`));
});

test("a daemon whose log has no room serves and stops in order", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pouch-no-log-"));
  const full = openSync("/dev/full", "w");
  const child = spawn(join(projectRoot, "bin/pouchd"), stateFlags(directory), { stdio: ["ignore", "ignore", full] });
  closeSync(full);
  const ended = once(child, "exit");
  t.after(async () => {
    const isOwn = ({ command }: { command: string }): boolean => command.includes(directory);
    for (const { pid } of processes().filter(isOwn)) sendSignal(pid, "SIGKILL");
    await eventually("nothing of it lives", () => !processes().some(isOwn));
    rmSync(directory, { recursive: true });
  });
  const socket = join(directory, "p.sock");
  await eventually("it serves", () => existsSync(socket), 60);
  for (const signal of ["SIGHUP", "SIGTERM"] as const) child.kill(signal);
  assert.deepEqual(await ended, [0, null]);
  assert.ok(!existsSync(socket));
});

/** A daemon whose start comes to where it waits, and is then asked to stop. */
async function calledOff(t: TestContext, directory: string, flags: string[], waits: () => boolean): Promise<string> {
  const child = spawn(join(projectRoot, "bin/pouchd"), [...stateFlags(directory), ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, "exit");
  t.after(() => child.kill("SIGKILL"));
  const gone = { code: undefined as unknown };
  void ended.then(([code]) => (gone.code = code));
  await eventually("the start waits", () => waits() || gone.code !== undefined || said.includes("API is served"), 60);
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null], said);
  assert.match(said, /stopped before the start was done/);
  assert.doesNotMatch(said, /API is served|"level":"error"/);
  assert.deepEqual(
    processes().filter(({ command }) => command.includes(directory)),
    [],
  );
  assert.ok(!existsSync(join(directory, "pid")) && !existsSync(join(directory, "p.sock")));
  return said;
}

/** A registry that takes connections and says nothing; the reference of a plugin in it. */
async function silentRegistry(t: TestContext): Promise<{ reference: string; asked: () => boolean }> {
  const connections = new Set<Socket>();
  const server = createServer((connection) => connections.add(connection.on("error", () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    for (const connection of connections) connection.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { reference: `127.0.0.1:${port}/plugins/silent:1`, asked: () => connections.size > 0 };
}

test("a daemon that is asked to stop while containerd does not come serves nothing, and leaves no process", async (t) => {
  const directory = folder(t);
  const containerd = join(directory, "containerd");
  const begun = join(directory, "begun");
  const script = `#!/bin/sh\ntouch ${begun}\nwhile :; do echo not yet; sleep 0.1; done\n`;
  writeFileSync(containerd, script, { mode: 0o755 });
  await calledOff(t, directory, ["--containerd-path", containerd], () => existsSync(begun));
});

test("a daemon that is asked to stop while a registry of its set of plugins hangs leaves no process", async (t) => {
  const directory = folder(t);
  const { reference, asked } = await silentRegistry(t);
  const set = join(directory, "plugins.json");
  writeFileSync(set, JSON.stringify({ plugins: [{ name: "silent", source: reference }] }));
  await calledOff(t, directory, ["--plugin-set", set], asked);
  assert.deepEqual(readdirSync(join(directory, "home/plugins/installed")), [], "nothing of a package is left");
});

test("a daemon that is asked to stop while npm hangs over its set of plugins leaves no process", async (t) => {
  const directory = folder(t);
  const { reference, asked } = await silentRegistry(t);
  const npmrc = join(directory, "npmrc");
  writeFileSync(npmrc, `registry=http://${reference.split("/")[0]}/\n`);
  const set = join(directory, "plugins.json");
  writeFileSync(set, JSON.stringify({ plugins: [{ name: "silent", source: "silent-package-of-nobody" }] }));
  process.env["npm_config_userconfig"] = npmrc;
  t.after(() => delete process.env["npm_config_userconfig"]);
  await calledOff(t, directory, ["--plugin-set", set], asked);
});

test("a daemon that is asked to stop while a plugin hangs, at its start or in its preStartHook, leaves no process", async (t) => {
  for (const place of ["start", "hook"]) {
    const directory = folder(t);
    const begun = join(directory, "begun");
    const hang = `writeFileSync(${JSON.stringify(begun)}, ""); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
    const source = writePlugin(join(directory, "hanging"), {
      name: "hanging",
      pouch: { api: "1", points: ["daemon.preStartHook"] },
      code: `import { registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
import { writeFileSync } from "node:fs";
registerDaemonPlugin({ preStartHook() { ${place === "hook" ? hang : ""} } });
${place === "start" ? hang : ""}
`,
    });
    const set = join(directory, "plugins.json");
    writeFileSync(set, JSON.stringify({ plugins: [{ name: "hanging", source, grantAllPermissions: true }] }));
    await calledOff(t, directory, ["--plugin-set", set], () => existsSync(begun));
  }
});

test("a registry that hangs keeps a daemon from serving for as long as its configuration says, and the log says so", async (t) => {
  const directory = folder(t);
  const { reference } = await silentRegistry(t);
  const set = join(directory, "plugins.json");
  writeFileSync(set, JSON.stringify({ plugins: [{ name: "silent", source: reference }] }));
  await using daemon = await Daemon.start({ image: false, flags: ["--plugin-set", set, "--plugin-set-timeout", "12"] });
  daemon.expectsErrors(/the 12 s are over that a start waits for what it fetches .*\(--plugin-set-timeout\).*stays as it was/);
  assert.match(daemon.log, /"for":"plugin \\"silent\\" of the set, from \S+; all that is fetched has 12 s".*"the start waits"/);
});

test("plugins that were told of a start are told of its end, where containerd does not come", async (t) => {
  const directory = folder(t);
  await using daemon = await Daemon.start({ image: false });
  const told = join(directory, "told");
  const hook = (name: string): string => `${name}() { appendFileSync(${JSON.stringify(told)}, "${name}\\n"); }`;
  const code = [
    `import { registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";`,
    `import { appendFileSync } from "node:fs";`,
    `registerDaemonPlugin({ ${hook("preStartHook")}, ${hook("preStopHook")} });`,
  ];
  const source = writePlugin(join(directory, "teller"), {
    name: "teller",
    pouch: { api: "1", points: ["daemon.preStartHook", "daemon.preStopHook"] },
    language: "ts",
    code: code.join("\n"),
  });
  const installed = await daemon.api("POST", "/plugins/install", { source });
  assert.ok(installed.status < 300, installed.text);
  assert.equal(await daemon.stop(), 0);
  rmSync(told, { force: true });
  const folders = ["--home-dir", daemon.homeDirectory, "--exec-root-dir", daemon.execRoot];
  const own = ["--bridge-name", daemon.bridge, "--nft-table", daemon.nftTable];
  const { code: status } = pouchd([...stateFlags(directory), ...folders, ...own, "--containerd-path", "/bin/false"]);
  assert.equal(status, 1);
  assert.equal(readFileSync(told, "utf8"), "preStartHook\npreStopHook\n");
  await daemon.launch();
});

test("the socket is the group's when it exists, and nobody else's", async () => {
  await using daemon = await Daemon.start({ image: false });
  assert.equal((statSync(daemon.socket).mode & 0o777).toString(8), "660");
});

test("after a graceful stop no process of the daemon is left, and running containers live on", async () => {
  await using daemon = await Daemon.start();
  const id = (await daemon.docker("run", "-d", "--network", "none", "busybox", "sleep", "300")).stdout.trim();
  const pid = (await daemon.docker("inspect", "-f", "{{.State.Pid}}", id)).stdout.trim();
  assert.equal(await daemon.stop(), 0);
  assert.ok(readdirSync("/proc").includes(pid));
  await daemon.launch();
  assert.equal((await daemon.docker("inspect", "-f", "{{.State.Pid}} {{.State.Status}}", id)).stdout.trim(), `${pid} running`);
});

for (const [what, send] of Object.entries({
  "Ctrl-C, which signals its group": (pid: number): void => void process.kill(-pid, "SIGINT"),
  "a service manager that signals each of its processes": (pid: number): void => {
    const own = processes().filter(({ parent, command }) => parent === pid && !/^\S*containerd /.test(command));
    for (const each of [...own.map((child) => child.pid), pid]) process.kill(each, "SIGTERM");
  },
}))
  test(`a daemon ended by ${what} takes its networks away and complains of nothing`, async () => {
    await using daemon = await Daemon.start({ ownGroup: true });
    assert.equal((await daemon.docker("network", "create", "front")).code, 0);
    const container = await daemon.docker("run", "-d", "--network", "front", "-p", "80", "busybox", "sleep", "300");
    assert.equal(container.code, 0, container.stderr);
    assert.equal((await daemon.docker("rm", "-f", container.stdout.trim())).code, 0);
    assert.equal(await daemon.endedBy(send), 0);
    assert.doesNotMatch(daemon.log, /"level":"(warn|error)"/);
    assert.deepEqual(daemon.leftovers(), []);
    await daemon.launch();
  });

test("a state folder with a space in its name works, the network included", async () => {
  const directory = mkdtempSync(join(tmpdir(), "pouch two words "));
  try {
    await using daemon = await Daemon.start({
      flags: ["--exec-root-dir", join(directory, "run dir"), "--home-dir", join(directory, "home dir")],
    });
    const ran = await daemon.docker(
      "run",
      "--rm",
      "-v",
      `${directory}:/from host`,
      "busybox",
      "sh",
      "-c",
      "ip -o addr show eth0 | wc -l; ls '/from host'",
    );
    assert.match(ran.stdout, /^[1-9]\d*\nhome dir\nrun dir\n$/, ran.stderr);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("a daemon whose executable is taken away, or another version by now, works on: it runs itself", async (t) => {
  const directory = folder(t);
  const executable = join(directory, "pouchd");
  copyFileSync(join(projectRoot, "bin/pouchd"), executable, constants.COPYFILE_FICLONE);
  await using daemon = await Daemon.start({ executable });
  const created = await daemon.docker("create", "--name", "web", "--network", "none", "busybox");
  assert.equal(created.code, 0, created.stderr);
  // More than there are workers that wait for work.
  const copies = async (): Promise<void> => {
    for (let i = 0; i < 4; i++) {
      const copied = await daemon.docker("cp", "web:/bin/busybox", join(directory, "copy"));
      assert.equal(copied.code, 0, copied.stderr);
    }
  };
  rmSync(executable);
  await copies();
  writeFileSync(executable, "#!/bin/sh\nexit 3\n", { mode: 0o755 });
  await copies();
  // An archive that is unpacked by a process of its own, too.
  const put = await daemon.api("PUT", "/containers/web/archive?path=/tmp", zstdCompressSync(Buffer.alloc(1024)));
  assert.equal(put.status, 200, put.text);
});
