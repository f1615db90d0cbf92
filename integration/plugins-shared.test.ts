/** Installed plugins that share a process, in a real daemon: of the executable, with its control groups and its users. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { Daemon, eventually } from "./harness/daemon.ts";
import { writePlugin } from "./harness/write-plugin.ts";
import { controlGroupsBelow } from "./soak/machine-state.ts";

/** A plugin that shares a process, and writes into labels what it finds. */
function write(daemon: Daemon, name: string, pouch: object = {}, version = "1.0.0"): string {
  return writePlugin(join(daemon.directory, "sources", name), {
    name,
    version,
    language: "ts",
    pouch: { api: "^1.2.0", points: ["container.preCreate", "daemon.preStartHook"], sharedProcess: "it", ...pouch },
    code: `import { registerContainerPlugin, registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
let state = "/nowhere"; // After a restart of the process there is no new start of the plugin.
registerDaemonPlugin({ preStartHook({ stateDirectory }) { state = stateDirectory; writeFileSync(join(state, "begun"), ""); } });
registerContainerPlugin({ preCreate(config) {
  console.log("${name} ${version} is asked");
  const sees = (path: string): boolean => { try { return readFileSync(path).length >= 0; } catch { return false; } };
  const found = [process.getuid?.(), sees(join(state, "begun")), sees(join(import.meta.dirname, "package.json")), existsSync("${daemon.homeDirectory}/pouch.db"), sees("${daemon.homeDirectory}/.pouch-hidden/0/pouch.db")];
  config.Labels = { ...config.Labels, "${name}": "${version} " + found.join(" ") };
} });`,
  });
}

async function install(daemon: Daemon, source: string): Promise<void> {
  const { status, text } = await daemon.api("POST", "/plugins/install", { source, privileges: "all" });
  assert.equal(status, 200, text);
}

async function pidOf(daemon: Daemon, name: string): Promise<number> {
  const { stdout } = await daemon.pouch("plugin", "inspect", "-f", "{{.Pouch.Details.Pid}} {{.Pouch.State}}", name);
  const [pid, state] = stdout.trim().split(" ");
  return state === "running" ? Number(pid) : 0;
}

async function pids(daemon: Daemon, ...names: string[]): Promise<number[]> {
  return Promise.all(names.map((name) => pidOf(daemon, name)));
}

async function labels(daemon: Daemon): Promise<Record<string, string>> {
  const made = await daemon.docker("create", "busybox");
  assert.equal(made.code, 0, made.stderr);
  const { stdout } = await daemon.docker("inspect", "-f", "{{json .Config.Labels}}", made.stdout.trim());
  return JSON.parse(stdout) as Record<string, string>;
}

/** Whose the folders are of what the daemon connects to. */
function socketFolders({ execRoot }: Daemon): string[] {
  const sockets = readdirSync(join(execRoot, "plugins"), { recursive: true, encoding: "utf8" }).filter((path) =>
    /(plugin|shared)\.sock$/.test(path),
  );
  const folders = sockets.map((path) => statSync(dirname(join(execRoot, "plugins", path))));
  return folders
    .map(({ uid, gid, mode }) => `${uid}:${gid} ${(mode & 0o7777).toString(8)}`)
    .toSorted()
    .toReversed();
}

const groupsOf = ({ cgroupParent }: Daemon, name: string): string[] => [
  ...new Set(controlGroupsBelow(cgroupParent).flatMap((path) => path.split("/").filter((part) => part.startsWith(`${name}-`)))),
];

test("plugins share a process, its end, a restart of the daemon and one control group; the last one ends it", async () => {
  await using daemon = await Daemon.start();
  for (const name of ["one", "two"]) await install(daemon, write(daemon, name));
  const [one = 0, two] = await pids(daemon, "one", "two");
  assert.equal(one, two);
  assert.deepEqual(await labels(daemon), { one: "1.0.0 0 true true true false", two: "1.0.0 0 true true true false" });
  await eventually("each log has its own", () => /"plugin":"one".*one 1.0.0 is asked/.test(daemon.log));
  assert.doesNotMatch(daemon.log, /"plugin":"two".*one 1.0.0 is asked/);
  assert.match(readFileSync(`/proc/${one}/cgroup`, "utf8"), new RegExp(`/${daemon.cgroupParent}/plugins-\\w+/shared-it-`));
  assert.deepEqual([groupsOf(daemon, "shared-it").length, groupsOf(daemon, "one"), groupsOf(daemon, "two")], [1, [], []]);

  daemon.expectsErrors(/its process ended by SIGKILL; starting it again/);
  process.kill(one, "SIGKILL");
  await eventually("both are in another one", async () => {
    const [a, b] = await pids(daemon, "one", "two");
    return a !== 0 && a !== one && a === b;
  });
  assert.deepEqual(Object.keys(await labels(daemon)), ["one", "two"]);

  assert.equal(await daemon.stop(), 0);
  await daemon.launch();
  const [anew = 0, beside] = await pids(daemon, "one", "two");
  assert.equal(anew, beside);

  write(daemon, "one", {}, "2.0.0");
  assert.equal((await daemon.pouch("plugin", "reload", "one")).code, 0);
  assert.equal(await pidOf(daemon, "two"), anew);
  assert.match((await labels(daemon))["one"] ?? "", /^2\.0\.0 /);
  for (const name of ["one", "two"]) assert.equal((await daemon.api("DELETE", `/plugins/${name}?force=1`)).status, 200);
  assert.equal(existsSync(`/proc/${anew}`), false);
  assert.deepEqual(groupsOf(daemon, "shared-it"), []);
});

test("plugins with a user of their own share a process of that user, which sees what is theirs, and another network is another process", async () => {
  await using daemon = await Daemon.start();
  chmodSync(daemon.directory, 0o711);
  const user = "nobody";
  const fields = { "container.preCreate": ["Labels.*"] };
  for (const name of ["one", "two"]) await install(daemon, write(daemon, name, { user }));
  await install(daemon, write(daemon, "root"));
  await install(daemon, write(daemon, "lonely", { user, permissions: { fields } }));
  const [one = 0, two, root, lonely = 0] = await pids(daemon, "one", "two", "root", "lonely");
  assert.equal(one, two);
  assert.equal(new Set([one, root, lonely]).size, 3);
  const theirs = "1.0.0 65534 true true false false";
  assert.deepEqual(await labels(daemon), { one: theirs, two: theirs, lonely: theirs, root: "1.0.0 0 true true true false" });
  assert.equal(statSync(`/proc/${one}`).uid, 65_534);
  const network = (pid: number): string => readlinkSync(`/proc/${pid}/ns/net`);
  assert.equal(network(one), readlinkSync("/proc/self/ns/net"));
  assert.notEqual(network(lonely), network(one));
  // One of each process, and of each plugin.
  assert.deepEqual(socketFolders(daemon), [...Array<string>(5).fill("0:65534 710"), ...Array<string>(2).fill("0:0 700")]);
  const home = readlinkSync(`/proc/${one}/cwd`);
  assert.deepEqual([basename(home), statSync(`/proc/${one}/root${home}`).uid], ["home", 65_534]);
});
