/** What a plugin is held to by the kernel: memory and processes of all it starts, an end that none of it survives, a user of its own. */
import type { PluginPermissions } from "@pouchcontainer/plugin-sdk";
import { parseManifest } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { placesWith } from "../packages/engine/src/control-groups/control-groups.ts";
import { narrowed } from "../packages/engine/src/plugin-host/builtin-plugins.ts";
import { AssistantSupervisor } from "../packages/engine/src/plugin-host/assistant-supervisor.ts";
import { Confinement } from "../packages/engine/src/plugin-host/confinement/confinement.ts";
import { PluginGroups } from "../packages/engine/src/plugin-host/confinement/plugin-groups.ts";
import { resolveUser } from "../packages/engine/src/plugin-host/confinement/process-user.ts";
import { InstalledPlugin } from "../packages/engine/src/plugin-host/installed/installed-plugin.ts";
import { Daemon, eventually } from "./harness/daemon.ts";
import { controlGroupsBelow, isAlive } from "./soak/machine-state.ts";

const cgroupParent = `pouch-it-confined-${process.pid}`;
after(() => {
  for (const place of placesWith(readFileSync("/proc/self/mountinfo", "utf8"), ["memory", "pids"]))
    if (existsSync(join(place, cgroupParent))) rmdirSync(join(place, cgroupParent));
});

/** A plugin in Python, which answers `/ContainerPlugin.PreCreate` after `code`. */
function python(code: string): string {
  return `
import ctypes, json, os, socket, socketserver, subprocess, sys, time
from http.server import BaseHTTPRequestHandler
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def address_string(self): return "daemon"
    def log_message(self, *args): pass
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"Implements": ["pouch.container/1"]}
        if self.path == "/ContainerPlugin.PreCreate":
            answer = {}
${code.replaceAll(/^/gm, "            ")}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
class Server(socketserver.ThreadingUnixStreamServer):
    pass
Server(os.environ["POUCH_PLUGIN_SOCKET"], Handler).serve_forever()
`;
}

interface Confined {
  plugin: InstalledPlugin;
  confinement: Confinement;
  home: string;
  directory: string;
  said: string[];
  ask: () => Promise<unknown>;
}

/** The plugin in a process of its own, without a daemon. */
async function start(t: TestContext, code: string, pouch: object = {}, operator?: PluginPermissions): Promise<Confined> {
  return startProgram(t, python(code), pouch, operator);
}

async function startProgram(t: TestContext, program: string, pouch: object, operator?: PluginPermissions): Promise<Confined> {
  // As a daemon's home: no other user gets in.
  const home = mkdtempSync(join(tmpdir(), "confined "));
  t.after(() => rmSync(home, { recursive: true }));
  writeFileSync(join(home, "secret"), "", { mode: 0o644 });
  const directory = join(home, "package");
  for (const name of ["package", "state"]) mkdirSync(join(home, name), { mode: 0o700 });
  writeFileSync(join(directory, "plugin.py"), program, { mode: 0o600 });
  const said: string[] = [];
  const note = (message: string): void => void said.push(message);
  const log = { debug: note, info: note, warn: note, error: note };
  const parsed = parseManifest({
    name: "greedy",
    version: "1.0.0",
    pouch: { api: "1", points: ["container.preCreate"], command: ["python3", "plugin.py"], ...pouch },
  });
  const manifest = narrowed(parsed, () => operator);
  const mountInfo = (): string => readFileSync("/proc/self/mountinfo", "utf8");
  const groups = new PluginGroups({ mountInfo, cgroupDriver: "cgroupfs", cgroupParent, home, warn: note });
  const environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
  const stateDirectory = (): string => join(home, "state");
  const confinement = await Confinement.of({ groups, hidden: [home] }, { manifest, directory, stateDirectory, environment });
  const plugin = await InstalledPlugin.start({
    manifest,
    directory,
    configuration: {},
    environment,
    childCommand: () => assert.fail("it has a command of its own"),
    runtimeDirectory: home,
    log,
    confinement,
  });
  t.after(() => plugin.close());
  const call = { signal: AbortSignal.timeout(20_000), log, timeoutMs: 20_000 };
  return {
    plugin,
    confinement,
    home,
    directory,
    said,
    ask: () => plugin.invoke("container.preCreate", { config: sampleContainerConfig() }, call),
  };
}

/** Takes memory and says so in a file; it is the kernel's to end it. */
const takeMemory = `subprocess.Popen(["python3", "-c", "x = b'x' * (200 << 20); open('taken', 'w'); import time; time.sleep(60)"])`;

test("memory that a plugin's children take counts: all of it is ended, told with its limit, and started again", async (t) => {
  const { plugin, directory, said, ask } = await start(t, takeMemory, { memoryLimitMb: 64 });
  const { pid } = plugin;
  await ask();
  await eventually("it was started again", () => plugin.restarts === 1 && plugin.isReady);
  assert.equal(existsSync(join(directory, "taken")), false);
  assert.notEqual(plugin.pid, pid);
  const words = 'plugin "greedy" reached its limit of 64 MB of memory (memoryLimitMb)';
  assert.ok(
    said.some((line) => line.includes(words)),
    said.join("\n"),
  );
  assert.ok(said.some((line) => /^its process ended .*; starting it again$/.test(line)));
});

test("a plugin's own process that takes too much is told by its limit, too", async (t) => {
  const { plugin, said, ask } = await start(t, `x = b"x" * (200 << 20)`, { memoryLimitMb: 64 });
  await assert.rejects(ask());
  await eventually("it was started again", () => plugin.restarts === 1 && plugin.isReady);
  const words =
    'its process ended by SIGKILL: plugin "greedy" reached its limit of 64 MB of memory (memoryLimitMb); starting it again';
  assert.ok(said.includes(words), said.join("\n"));
});

test("no more processes than its limit are started, which is said; the plugin goes on", async (t) => {
  const forks = `
for _ in range(100):
    try: subprocess.Popen(["sleep", "60"])
    except OSError: answer = {"Err": "no more"}`;
  const { plugin, said, ask } = await start(t, forks, { pidsLimit: 40 });
  await assert.rejects(ask(), /no more/);
  const words = 'plugin "greedy" reached its limit of 40 processes and threads (pidsLimit), and is refused more';
  await eventually("that is said", () => said.includes(words));
  assert.equal(plugin.restarts, 0);
});

/** Leaves the session and every variable behind. */
const hide = `subprocess.Popen(["setsid", "env", "-i", "/bin/sh", "-c", "echo $$ > hidden; trap '' TERM; while :; do sleep 1; done"], cwd=os.getcwd())
while not os.path.exists("hidden"): time.sleep(0.01)`;

test("a child in a session of its own, with an empty environment, ends with the plugin; so do its groups", async (t) => {
  const { plugin, directory, ask } = await start(t, hide);
  await ask();
  await eventually("it runs", () => pidIn(join(directory, "hidden")) > 0);
  const hidden = pidIn(join(directory, "hidden"));
  assert.ok(isAlive(hidden));
  assert.ok(controlGroupsBelow(cgroupParent).length > 0);
  await plugin.close();
  assert.equal(isAlive(hidden), false);
  assert.deepEqual(controlGroupsBelow(cgroupParent), []);
});

test("an assistant is held to the limits of its plugin, and what it started ends with it", async (t) => {
  const { confinement, directory, said } = await start(t, "", { memoryLimitMb: 64 });
  const note = (message: string): void => void said.push(message);
  const all = new AssistantSupervisor({
    logOf: () => ({ debug: note, info: note, warn: note, error: note }),
    environment: process.env,
  });
  t.after(() => all.stopAll());
  const code = `import subprocess, time; subprocess.Popen(["setsid", "env", "-i", "/bin/sh", "-c", "echo $$ > hidden; sleep 60"]); time.sleep(0.5); x = b"x" * (200 << 20)`;
  await all.forPlugin("greedy", confinement).start({
    name: "helper",
    command: "python3",
    args: ["-c", code],
    workingDirectory: directory,
    restart: { policy: "never" },
  });
  await eventually("its end is told", () => said.some((line) => /^assistant helper ended .*limit of 64 MB/.test(line)));
  await eventually("its child is gone", () => !isAlive(pidIn(join(directory, "hidden"))));
});

/** What the plugin and its assistant find out about themselves. */
const whoAmI = `
import os, socket, stat
home = os.path.dirname(os.getcwd())
open(os.path.join(home, "state", NAME), "w").write("here")
def can(what):
    try: return bool(what()) or True
    except OSError as error: return error.strerror
root = lambda: os.setuid(0)
print("I am", os.getresuid(), os.getresgid(), os.getgroups(), sorted(os.listdir(".")), os.path.exists(os.path.join(home, "secret")), can(root), can(lambda: open("plugin.py", "a")), flush=True)
`;

test("a plugin with a user of its own, and its assistant: its package, its state and its sockets are all it sees of the daemon", async (t) => {
  const code = `${whoAmI.replace("NAME", '"plugin"')}
with socket.socket(socket.AF_UNIX) as asked: asked.connect(os.environ["POUCH_HOST_SOCKET"])`;
  const { confinement, home, directory, said, ask } = await start(t, code, { user: "54321:54322" });
  await ask();
  const self = `I am (54321, 54321, 54321) (54322, 54322, 54322) [] ['plugin.py'] False Operation not permitted Permission denied`;
  await eventually("it says what it sees", () => said.includes(self));
  assert.equal(statSync(join(home, "state/plugin")).uid, 54_321);

  const note = (message: string): void => void said.push(message);
  const all = new AssistantSupervisor({
    logOf: () => ({ debug: note, info: note, warn: note, error: note }),
    environment: process.env,
  });
  t.after(() => all.stopAll());
  const args = ["-c", `${whoAmI.replace("NAME", '"helper"')}\nprint("HOME" in os.environ, flush=True)`];
  const handle = await all
    .forPlugin("greedy", confinement)
    .start({ name: "helper", command: "python3", args, workingDirectory: directory, restart: { policy: "never" } });
  await eventually("so does its assistant", () => said.includes(`helper: ${self}`));
  await eventually("which has the plugin's environment", () => said.includes("helper: False"));
  await handle.stop();
  assert.equal(statSync(join(home, "secret")).uid, 0);
});

/** A socket that root alone reaches, and how often it was connected to. */
async function rootsSocket(t: TestContext): Promise<{ path: string; connections: () => number }> {
  const folder = mkdtempSync(join(tmpdir(), "roots-"));
  t.after(() => rmSync(folder, { recursive: true }));
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  }).listen(join(folder, "roots.sock"));
  await once(server, "listening");
  t.after(() => server.close());
  return { path: join(folder, "roots.sock"), connections: () => connections };
}

const leadAway = (path: string): string => `
own = os.environ["POUCH_PLUGIN_SOCKET"]
try: os.unlink(own)
except FileNotFoundError: pass
os.symlink(${JSON.stringify(path)}, own)`;

test("a plugin with a user of its own cannot lead the daemon to a socket that it does not reach itself, once it listens", async (t) => {
  const { path, connections } = await rootsSocket(t);
  const code = `try:${leadAway(path).replaceAll("\n", "\n    ")}
except PermissionError: answer = {"config": {**request["config"], "Env": ["led=nowhere"]}}`;
  const { plugin, ask } = await start(t, code, { user: "54321:54322" });
  assert.deepEqual(await told(ask), { led: "nowhere" });
  // One of them has to be on another connection.
  assert.deepEqual(await Promise.all([told(ask), told(ask)]), [{ led: "nowhere" }, { led: "nowhere" }]);
  process.kill(plugin.pid ?? 0, "SIGKILL");
  await eventually("it was started again", () => plugin.restarts === 1 && plugin.isReady);
  assert.deepEqual(await told(ask), { led: "nowhere" });
  assert.equal(connections(), 0);
});

test("nor at its start, or at that of another life of it", async (t) => {
  const { path, connections } = await rootsSocket(t);
  const away = `${leadAway(path)}\ntime.sleep(100)\n`;
  const refusal = /is not a socket that its own user made: it has to listen there itself/;
  const atOnce = python("").replace("class Server", () => `${away}class Server`);
  await assert.rejects(startProgram(t, atOnce, { user: "54321" }), refusal);
  const later = python('open("../state/lived", "w"); os._exit(0)').replace(
    "class Server",
    () => `if os.path.exists("../state/lived"):${away.replaceAll("\n", "\n    ")}\nclass Server`,
  );
  const { said, ask } = await startProgram(t, later, { user: "54321" });
  await assert.rejects(ask());
  await eventually("its next life is refused", () => said.some((line) => refusal.test(line)));
  assert.equal(connections(), 0);
});

/** A server and a resolver on the host's loopback interface, as a host may have them. */
async function onLoopback(t: TestContext): Promise<{ tcp: number; udp: number }> {
  const server = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
  const resolver = createSocket("udp4");
  resolver.on("message", (_message, { port, address }) => resolver.send("answer", port, address));
  resolver.bind(0, "127.0.0.1");
  await Promise.all([once(server, "listening"), once(resolver, "listening")]);
  t.after(() => {
    server.close();
    resolver.close();
  });
  // It listens on a port.
  return { tcp: (server.address() as AddressInfo).port, udp: resolver.address().port };
}

/** What the plugin finds of the network, and what it does as its point has it, in the environment of the container. */
const lookAround = ({ tcp, udp }: { tcp: number; udp: number }): string => `
def tried(kind, address):
    with socket.socket(socket.AF_INET, kind) as asked:
        asked.settimeout(10)
        try:
            asked.connect(address)
            if kind == socket.SOCK_DGRAM: asked.send(b"query"); asked.recv(10)
            return "reached"
        except OSError as error: return type(error).__name__ + " " + str(error.errno)
def itself():
    with socket.create_server(("127.0.0.1", 0)) as server: return tried(socket.SOCK_STREAM, server.getsockname())
def back():
    try:
        with open("/proc/${process.pid}/ns/net") as host:
            return "done" if ctypes.CDLL(None).setns(host.fileno(), 0) == 0 else "refused"
    except OSError as error: return type(error).__name__
interfaces = [name for _, name in socket.if_nameindex()]
found = ["interfaces=" + ("lo" if interfaces == ["lo"] else "more"), "namespace=" + os.readlink("/proc/self/ns/net"), "itself=" + itself(),
    "server=" + tried(socket.SOCK_STREAM, ("127.0.0.1", ${tcp})), "resolver=" + tried(socket.SOCK_DGRAM, ("127.0.0.1", ${udp}))]
if interfaces == ["lo"]: found += ["outward=" + tried(socket.SOCK_STREAM, ("192.0.2.1", 80)), "back=" + back()]
with socket.socket(socket.AF_UNIX) as asked: asked.connect(os.environ["POUCH_HOST_SOCKET"])
answer = {"config": {**request["config"], "Env": found}}`;

const hostNetwork = readlinkSync("/proc/self/ns/net");

/** Processes in a network namespace. */
function processesIn(namespace: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/ns/net`) === namespace;
    } catch {
      return false;
    }
  });
}

const refused = "ConnectionRefusedError 111";
const fields = { "container.preCreate": ["Env"] };
const lonely = { permissions: { fields } };
const reaching = { permissions: { fields, network: true } };

// The way back is what root could take and others cannot.
for (const { who, pouch, operator, back = "done" } of [
  { who: "that lists permissions without it", pouch: lonely },
  { who: "of a user of its own that lists them without it", pouch: { ...lonely, user: "54321" }, back: "PermissionError" },
  { who: "that asks for it, where the operator takes it away", pouch: reaching, operator: { fields } },
  { who: "that lists none, where the operator leaves others", pouch: {}, operator: { fields } },
])
  test(`a plugin ${who} reaches no network, does its work, and leaves no namespace`, async (t) => {
    const { plugin, ask } = await start(t, lookAround(await onLoopback(t)), pouch, operator);
    const found = await told(ask);
    const { namespace = "", ...reached } = found;
    const outward = "OSError 101";
    assert.deepEqual(reached, { interfaces: "lo", itself: "reached", server: refused, resolver: refused, outward, back });
    assert.notEqual(namespace, hostNetwork);
    assert.ok(processesIn(namespace).length > 0);
    await plugin.close();
    assert.deepEqual(processesIn(namespace), []);
  });

for (const { who, pouch, operator } of [
  { who: "that asks for the network", pouch: reaching },
  { who: "of a user of its own that asks for it", pouch: { ...reaching, user: "54321" } },
  { who: "that asks for it, and the operator leaves it", pouch: reaching, operator: { fields, network: true } },
  { who: "that lists no permissions", pouch: {} },
])
  test(`a plugin ${who} is in the network of the host`, async (t) => {
    const { ask } = await start(t, lookAround(await onLoopback(t)), pouch, operator);
    const { namespace, server, resolver } = await told(ask);
    assert.deepEqual({ namespace, server, resolver }, { namespace: hostNetwork, server: "reached", resolver: "reached" });
  });

/** `NAME=VALUE` of the environment that it made. */
async function told(ask: Confined["ask"]): Promise<Record<string, string>> {
  // That is the point's answer.
  const { config } = (await ask()) as { config: { Env: string[] } };
  return Object.fromEntries(config.Env.map((one) => one.split("=", 2)));
}

test("the assistant of a plugin without network is in the network of the host, which is what that permission grants", async (t) => {
  const { confinement, said } = await start(t, "", { permissions: { assistants: true }, user: "54321" });
  const note = (message: string): void => void said.push(message);
  const all = new AssistantSupervisor({
    logOf: () => ({ debug: note, info: note, warn: note, error: note }),
    environment: process.env,
  });
  t.after(() => all.stopAll());
  const args = ["/proc/self/ns/net"];
  const restart = { policy: "never" as const };
  await all.forPlugin("greedy", confinement).start({ name: "helper", command: "readlink", args, restart });
  await eventually("it says where it is", () => said.includes(`helper: ${hostNetwork}`));
});

test("a user's name is looked up, with the group that is its own; one that is not there is told", async (t) => {
  assert.deepEqual(await resolveUser("nobody"), { uid: 65_534, gid: 65_534 });
  assert.deepEqual(await resolveUser("nobody:daemon"), { uid: 65_534, gid: 1 });
  assert.deepEqual(await resolveUser("1"), { uid: 1, gid: 1 });
  assert.deepEqual(await resolveUser("54321"), { uid: 54_321, gid: 54_321 });
  const message = 'this host has no user "no-such-user": make one, or name another in pouch.user of the manifest';
  await assert.rejects(start(t, "", { user: "no-such-user" }), { kind: "invalidArgument", message });
});

/** A plugin that hides a child where its state is, which no removal of a package takes away. */
function writeHider(daemon: Daemon, name: string): string {
  const folder = join(daemon.directory, name);
  mkdirSync(folder, { recursive: true });
  const pouch = { api: "1", points: ["container.preCreate"], command: ["python3", "plugin.py"] };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, version: "1.0.0", pouch }));
  const file = join(daemon.directory, "hidden");
  writeFileSync(
    join(folder, "plugin.py"),
    python("").replace("class Server", () => `${hide.replaceAll("hidden", file)}\nclass Server`),
  );
  return folder;
}

test("after kill -9 of the daemon nothing of a plugin stays but what another daemon's runs, and its groups go at the next start", async () => {
  await using one = await Daemon.start({ image: false });
  // Below the same parent, as two daemons may.
  await using two = await Daemon.start({ image: false, flags: ["--cgroup-parent", one.cgroupParent] });
  for (const daemon of [one, two])
    assert.equal((await daemon.api("POST", "/plugins/install", { source: writeHider(daemon, "hider") })).status, 200);
  const hidden = (daemon: Daemon): number => pidIn(join(daemon.directory, "hidden"));
  await eventually("both have hidden one", () => hidden(one) > 0 && hidden(two) > 0);
  const [lost, kept] = [hidden(one), hidden(two)];
  assert.ok(isAlive(lost) && isAlive(kept));
  await one.kill9();
  await eventually("it is ended", () => !isAlive(lost));
  rmSync(join(one.directory, "hidden"));
  await one.launch();
  assert.ok(isAlive(kept));
  await eventually("it has hidden another one", () => hidden(one) > 0);
  const again = hidden(one);
  assert.equal((await one.api("DELETE", "/plugins/hider?force=1")).status, 200);
  assert.equal(isAlive(again), false);
  const names = (): Set<string> => new Set(controlGroupsBelow(one.cgroupParent).map((path) => path.split("/").at(-1) ?? ""));
  assert.deepEqual([...names()].filter((name) => name.startsWith("plugins-")).length, 1);
  assert.equal(await two.stop(), 0);
  assert.equal(isAlive(kept), false);
  assert.deepEqual([...names()], []);
});

test("an installed plugin in TypeScript runs as its user in the daemon, also after a restart of it", async () => {
  await using daemon = await Daemon.start();
  const folder = join(daemon.directory, "typed");
  mkdirSync(folder, { recursive: true });
  const pouch = { api: "^1.2.0", points: ["container.preCreate", "daemon.preStartHook"], user: "nobody" };
  const manifest = { name: "@it/typed", version: "1.0.0", type: "module", exports: "./index.ts", pouch };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest), { mode: 0o600 });
  const code = `import { registerContainerPlugin, registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
import { existsSync, writeFileSync } from "node:fs";
let state: string;
registerDaemonPlugin({ async preStartHook({ stateDirectory, supervisor }) {
  state = stateDirectory;
  writeFileSync(state + "/begun", "");
  await supervisor.start({ name: "helper", command: "sleep", args: ["100"] });
} });
registerContainerPlugin({ preCreate(config) {
  config.Hostname = [process.getuid(), process.env.HOME === state, existsSync(${JSON.stringify(daemon.homeDirectory)} + "/pouch.db")].join("-");
} });`;
  writeFileSync(join(folder, "index.ts"), code, { mode: 0o600 });
  const closed = await daemon.api("POST", "/plugins/install", { source: folder });
  assert.match(closed.text, /user \\"nobody\\" of the plugin cannot reach .*home: .* lets other users not pass \(chmod o\+x /);
  chmodSync(daemon.directory, 0o711);
  const installed = await daemon.api("POST", "/plugins/install", { source: folder });
  assert.equal(installed.status, 200, installed.text);
  for (const round of ["first", "again"]) {
    const made = await daemon.docker("create", "busybox");
    assert.equal(made.code, 0, made.stderr);
    const { stdout } = await daemon.docker("inspect", "-f", "{{.Config.Hostname}}", made.stdout.trim());
    assert.equal(stdout.trim(), "65534-true-false", round);
    const helper = /assistant helper runs as process (\d+)/g;
    const pid = [...daemon.log.matchAll(helper)].at(-1)?.[1] ?? "";
    assert.equal(statSync(`/proc/${pid}`).uid, 65_534);
    assert.match(readFileSync(`/proc/${pid}/cgroup`, "utf8"), new RegExp(`/${daemon.cgroupParent}/plugins-\\w+/@it__typed-`));
    assert.equal(await daemon.stop(), 0);
    await daemon.launch();
  }
});

function pidIn(file: string): number {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return 0;
  }
}
