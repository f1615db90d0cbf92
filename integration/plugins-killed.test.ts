/** Plugins are installed, upgraded, switched and removed while the daemon is killed: afterwards record, folder and process agree. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { Daemon, eventually, sleep } from "./harness/daemon.ts";
import { SeededRandom } from "./harness/seeded-random.ts";
import { writePlugin } from "./harness/write-plugin.ts";

/** Each costs a start of the daemon: more of them by `POUCH_PLUGIN_KILLS=20`. */
const kills = Number(process.env["POUCH_PLUGIN_KILLS"] ?? 8);
const seed = Number(process.env["POUCH_TEST_SEED"] ?? Date.now() % 1_000_000);

interface Described {
  Name: string;
  Enabled: boolean;
  Settings: { Pid?: number };
}

/** A package of that version; its containers are labelled with it. */
function writeLabeller(directory: string, name: string, version: string, more: object = {}): void {
  writePlugin(directory, {
    name,
    version,
    pouch: { api: "1", points: ["container.preCreate"], filters: { labels: [`for-${name}`] } },
    more,
    language: "ts",
    code: `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";
registerContainerPlugin({ preCreate: (config) => ({ ...config, Labels: { ...config.Labels, version: "${version}" } }) });
`,
  });
}

const inPlugins = (daemon: Daemon, ...names: string[]): string => join(daemon.homeDirectory, "plugins/installed", ...names);
const folders = (daemon: Daemon): string[] => (existsSync(inPlugins(daemon)) ? readdirSync(inPlugins(daemon)).toSorted() : []);

/** Processes that work in a plugin's folder, by folder; also in one that is gone. */
function processes(daemon: Daemon): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const folder = readlinkSync(`/proc/${pid}/cwd`);
      if (folder.startsWith(`${inPlugins(daemon)}/`))
        found.set(basename(folder), [...(found.get(basename(folder)) ?? []), Number(pid)]);
    } catch {
      // It has ended.
    }
  }
  return found;
}

async function plugins(daemon: Daemon): Promise<Described[]> {
  const answer = await daemon.api("GET", "/plugins");
  assert.equal(answer.status, 200, answer.text);
  return answer.json<Described[]>();
}

/** Each plugin has one folder, and one process where it is enabled, of the version that its record names. */
async function audit(daemon: Daemon): Promise<void> {
  const known = await plugins(daemon);
  const versions = new Map<string, string>();
  await eventually("only folders of plugins are there", () => folders(daemon).length === known.length);
  for (const folder of folders(daemon)) {
    const { name, version } = JSON.parse(readFileSync(inPlugins(daemon, folder, "package.json"), "utf8")) as Record<
      string,
      string
    >;
    versions.set(name ?? "", version ?? "");
  }
  assert.deepEqual([...versions.keys()].toSorted(), known.map(({ Name }) => Name.replace(/:latest$/, "")).toSorted());
  const enabled = known.filter(({ Enabled }) => Enabled);
  await eventually("only processes of plugins are there", () => processes(daemon).size === enabled.length);
  for (const { Name } of enabled) {
    const name = Name.replace(/:latest$/, "");
    const made = await daemon.api("POST", "/containers/create", { Image: "busybox", Labels: { [`for-${name}`]: "1" } });
    assert.equal(made.status, 201, made.text);
    const { Id } = made.json<{ Id: string }>();
    const { Config } = (await daemon.api("GET", `/containers/${Id}/json`)).json<{ Config: { Labels: Record<string, string> } }>();
    assert.equal(Config.Labels["version"], versions.get(name), `${name} is another version than its folder`);
    await daemon.api("DELETE", `/containers/${Id}`);
  }
  const sockets = readdirSync(join(daemon.execRoot, "plugins")).filter((entry) => /^[0-9a-f]{8}$/.test(entry));
  assert.equal(sockets.length, enabled.length, `sockets ${sockets.join(", ")}`);
}

/** What an operator does with one plugin, over and over; the daemon may be gone at any moment. */
async function operate(daemon: Daemon, name: string, random: SeededRandom, over: AbortSignal): Promise<void> {
  for (let version = 1; !over.aborted; version++) {
    const source = join(daemon.directory, `source-${name}`);
    writeLabeller(source, name, `${version}.0.0`);
    const [method, path, body] = random.pick<[string, string, object?]>([
      ["POST", "/plugins/install", { source }],
      ["POST", "/plugins/install", { source, enable: false }],
      ["POST", `/plugins/${name}/enable`],
      ["POST", `/plugins/${name}/disable?force=1`],
      ["POST", `/plugins/${name}/reload`],
      ["DELETE", `/plugins/${name}?force=1`],
    ]);
    await daemon.api(method, path, body).catch(() => sleep(20));
  }
}

test(`a daemon that is killed while plugins come and go finds them as their records say (seed ${seed})`, async () => {
  await using daemon = await Daemon.start();
  const random = new SeededRandom(seed);
  for (let kill = 0; kill < kills; kill++) {
    const over = new AbortController();
    const clients = ["one", "two", "three"].map((name, index) =>
      operate(daemon, name, random.fork(kill * 10 + index), over.signal),
    );
    await sleep(random.integer(50, 1200));
    await daemon.kill9();
    over.abort();
    await Promise.all(clients);
    await daemon.launch();
    await audit(daemon);
  }
});

test("an install that a kill broke off leaves neither its folder nor the program that filled it", async () => {
  const programs = mkdtempSync(join(tmpdir(), "pouch-npm-"));
  // npm makes the folders it needs, wherever they are.
  const script = `#!/bin/sh\ntouch "${programs}/began"\nsleep 3\nmkdir -p "$PWD/node_modules"\nsleep 600\n`;
  writeFileSync(join(programs, "npm"), script, { mode: 0o755 });
  try {
    await using daemon = await Daemon.start({ image: false, env: { PATH: `${programs}:${process.env["PATH"]}` } });
    const source = join(daemon.directory, "source");
    writeLabeller(source, "needy", "1.0.0", { dependencies: { other: "1.0.0" } });
    const installed = daemon.api("POST", "/plugins/install", { source }).catch(() => undefined);
    await eventually("npm runs", () => existsSync(join(programs, "began")));
    await daemon.kill9();
    await installed;
    await daemon.launch();
    await sleep(3500);
    assert.deepEqual(folders(daemon), []);
    assert.equal(processes(daemon).size, 0);
    assert.deepEqual(await plugins(daemon), []);
  } finally {
    rmSync(programs, { recursive: true });
  }
});
