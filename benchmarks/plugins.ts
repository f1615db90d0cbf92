/**
 * What a plugin call costs: in this process, in a process of its own or one that it shares, as a policy, and when its filter does not match; and how long
 * the event loop stands still for an answer as large as it may be.
 * Usage: node --experimental-ffi benchmarks/plugins.ts [rounds]
 */
import { PluginHost } from "../packages/engine/src/plugin-host/plugin-host.ts";
import { PolicyPlugin } from "../packages/engine/src/plugin-host/policies/policy-plugin.ts";
import { InstalledPlugin } from "../packages/engine/src/plugin-host/installed/installed-plugin.ts";
import { SharedProcesses } from "../packages/engine/src/plugin-host/installed/shared-processes.ts";
import { journalEntry } from "../packages/engine/src/plugin-host/journal/journal-entry.ts";
import type { CallJournal, JournaledCall } from "../packages/engine/src/plugin-host/journal/journaled-call.ts";
import { ObservedPermissions } from "../packages/engine/src/plugin-host/permissions/observed-permissions.ts";
import { PermissionGuard } from "../packages/engine/src/plugin-host/permissions/permission-guard.ts";
import {
  compileBodyChecks,
  difference,
  InProcessPlugin,
  parseManifest,
  type PluginInstance,
} from "@pouchcontainer/plugin-sdk/host";
import type { ContainerPlugin, PouchSection } from "@pouchcontainer/plugin-sdk";
import type { ContainerCreateConfig } from "@pouchcontainer/api";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { boundAnswers, startAnswering } from "./harness/bound-answers.ts";
import { longestStall } from "./harness/longest-stall.ts";

const rounds = Number(process.argv[2] ?? 20_000);
const checks = compileBodyChecks();
const quiet = (): void => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

function host(...instances: PluginInstance[]): PluginHost {
  return hostOf(instances);
}

function hostOf(instances: PluginInstance[], journal?: CallJournal): PluginHost {
  const plugins = new PluginHost({
    checks,
    logOf: () => log,
    supervisorOf: () => ({ start: () => Promise.reject(new Error("none here")) }),
    stateDirectoryOf: () => "/nowhere",
    journal,
  });
  for (const instance of instances) plugins.add(instance);
  return plugins;
}

/** About 3 KB of JSON, as a scheduler's create request is. */
const body: ContainerCreateConfig = {
  Image: "registry.example.com/team/service:1.2.3",
  Cmd: ["/usr/bin/service", "--listen", "0.0.0.0:8080", "--workers", "8"],
  Env: Array.from({ length: 55 }, (_, index) => `SERVICE_SETTING_${index}=value-number-${index}`),
  Labels: Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`com.example.label-${index}`, `value-${index}`])),
  ExposedPorts: { "8080/tcp": {} },
  HostConfig: {
    Memory: 256 * 1024 * 1024,
    NanoCpus: 1_500_000_000,
    Binds: ["/srv/data:/data", "/etc/ssl:/etc/ssl:ro"],
    NetworkMode: "bridge",
    RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
    CapDrop: ["ALL"],
    CapAdd: ["NET_BIND_SERVICE"],
    LogConfig: { Type: "json-file", Config: { "max-size": "10m" } },
  },
};

function inProcess(name: string, plugin: ContainerPlugin, more: Partial<PouchSection> = {}): InProcessPlugin {
  const manifest = parseManifest({ name, version: "1.0.0", pouch: { api: "1", points: ["container.preCreate"], ...more } });
  return new InProcessPlugin({
    manifest,
    registrations: [{ kind: "container", plugin }],
    settings: { configuration: {}, environment: {} },
  });
}

function policy(name: string, section: object): PolicyPlugin {
  const manifest = parseManifest({ name, version: "1.0.0", pouch: { api: "1", points: ["container.preCreate"] } });
  return new PolicyPlugin(manifest, section);
}

async function measure(what: string, count: number, call: () => Promise<unknown>): Promise<void> {
  for (let round = 0; round < count / 10; round += 1) await call();
  const microseconds = new Float64Array(count);
  for (let round = 0; round < count; round += 1) {
    const started = performance.now();
    await call();
    microseconds[round] = (performance.now() - started) * 1000;
  }
  microseconds.sort();
  const at = (share: number): string => (microseconds[Math.floor(count * share)] ?? 0).toFixed(1);
  process.stdout.write(`${what.padEnd(48)} p50 ${at(0.5)} µs   p99 ${at(0.99)} µs\n`);
}

const change: ContainerPlugin = { preCreate: (config) => void (config.HostConfig.PidsLimit = 500) };

process.stdout.write(`body: ${JSON.stringify(body).length} bytes, ${rounds} rounds\n`);
const empty = host();
await measure("no plugin", rounds, () => empty.preCreate(body, {}));
const unmatched = host(inProcess("filtered", change, { filters: { env: ["LEGACY_*"], labels: ["team"] } }));
await measure("one plugin, filter does not match", rounds, () => unmatched.preCreate(body, {}));
const one = host(inProcess("one", change));
await measure("in-process, one field changed", rounds, () => one.preCreate(body, {}));

let heard: JournaledCall | undefined;
const kept = hostOf([inProcess("kept", change)], { called: (call) => (heard = call) });
await measure("the same, told to a journal", rounds, () => kept.preCreate(body, {}));
await measure("  what the journal makes a line of it with, later", rounds, async () => {
  if (heard !== undefined) Buffer.from(JSON.stringify(journalEntry(heard, "mask")));
});

/** As many as a manifest may have. */
const granted = Array.from({ length: 126 }, (_, index) => `Labels.com.example.label-${index}`).concat(
  "HostConfig.P*",
  "Env.NEW_*",
);
const permissions = { fields: { "container.preCreate": granted } };
const held = host(inProcess("held", change, { permissions }));
await measure("the same, held against 128 patterns of fields", rounds, () => held.preCreate(body, {}));
const { manifest } = inProcess("alone", change, { permissions });
for (const [what, changed] of Object.entries({
  "  the check alone": { ...body, HostConfig: { ...body.HostConfig, PidsLimit: 500 } },
  "  the check alone, all labels and 55 variables": {
    ...body,
    Env: (body.Env ?? []).concat(Array.from({ length: 55 }, (_, index) => `NEW_${index}=1`)),
    Labels: Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`com.example.label-${index}`, "changed"])),
  },
})) {
  const guard = new PermissionGuard("container.preCreate", manifest, new ObservedPermissions());
  const patch = difference(body, changed);
  await measure(what, rounds, async () => guard.changed(body, changed, patch));
}

const rule = { expression: "object.Image.startsWith('registry.example.com/') && object.HostConfig.Memory <= 1073741824" };
const loop = { expression: "object.Env.all(variable, !variable.startsWith('LD_PRELOAD='))" };
const limit = {
  patchType: "ApplyConfiguration",
  applyConfiguration: { expression: "Object{HostConfig: Object.HostConfig{PidsLimit: 500}}" },
};
const draft = { config: body };
const bare = { log, timeoutMs: 1000, signal: new AbortController().signal };
for (const [what, section] of [
  ["one rule", { validations: [rule] }],
  ["one rule over 55 variables", { validations: [loop] }],
  ["one field changed", { mutations: [limit] }],
] as const) {
  const alone = policy("alone", section);
  await measure(`policy by itself, ${what}`, rounds, async () => alone.invoke("container.preCreate", draft, bare));
  const rules = host(policy("rules", section));
  await measure(`policy, ${what}`, rounds, () => rules.preCreate(body, {}));
}

const directory = mkdtempSync(join(tmpdir(), "bench-"));

const environment = { PATH: process.env["PATH"] ?? "" };
const childCommand = (place: string): { command: string; args: string[] } => ({
  command: process.execPath,
  args: [join(import.meta.dirname, "../packages/engine/src/plugin-host/conformance/run-child.ts"), place],
});
const sharedProcesses = new SharedProcesses({ childCommand, runtimeDirectory: directory, environment, logOf: () => log });

/** A plugin in another process, of its own or shared, that changes one field, a part of `HostConfig` that is its own. */
async function startInstalled(index: string, isSharing: boolean): Promise<InstalledPlugin> {
  const folder = join(directory, index);
  const packageJson = {
    name: `child-${index}`,
    version: "1.0.0",
    type: "module",
    exports: "./index.ts",
    pouch: { api: "1", points: ["container.preCreate"] },
  };
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify(packageJson));
  writeFileSync(
    join(folder, "index.ts"),
    `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";\nregisterContainerPlugin({ preCreate(config) { config.HostConfig.Annotations = { ...config.HostConfig.Annotations, "child-${index}": "1" }; } });\n`,
  );
  const manifest = parseManifest(packageJson);
  const belongings = { manifest, directory: folder, environment, stateDirectory: () => folder };
  return await InstalledPlugin.start({
    manifest,
    directory: folder,
    configuration: {},
    environment,
    childCommand,
    runtimeDirectory: folder,
    log,
    ...(isSharing && { sharing: await sharedProcesses.join("bench", belongings, "active") }),
  });
}

/** Memory of processes that is resident, of what several have in common their share. */
function residentMb(plugins: readonly InstalledPlugin[]): number {
  const pids = new Set(plugins.map(({ pid }) => pid));
  const kilobytes = [...pids].map((pid) =>
    Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]),
  );
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024;
}

async function measureInstalled(count: number, isSharing: boolean): Promise<void> {
  const what = isSharing ? `${count} installed in one process` : `${count} installed`;
  const started = performance.now();
  const each = Array.from({ length: count }, (_, index) => `${count}-${isSharing ? "shared-" : ""}${index}`);
  const children = await Promise.all(each.map((index) => startInstalled(index, isSharing)));
  const startMs = (performance.now() - started).toFixed(0);
  try {
    const installed = hostOf(children);
    const calls = Math.min(rounds, Math.ceil(5000 / count));
    await measure(`${what}, each changes a field`, calls, () => installed.preCreate(body, {}));
    process.stdout.write(`${what}: started at once in ${startMs} ms, ${residentMb(children).toFixed(0)} MB resident\n`);
  } finally {
    await Promise.all(children.map((child) => child.close()));
  }
}

for (const count of [1, 10, 50]) {
  const each = Array.from({ length: count }, (_, index) => index);
  const annotating = (index: number): ContainerPlugin => ({
    preCreate: (config) => void (config.HostConfig.Annotations = { ...config.HostConfig.Annotations, [`own-${index}`]: "1" }),
  });
  const filters = { env: ["LEGACY_*"], labels: ["team"] };
  const skipped = hostOf(each.map((index) => inProcess(`filtered-${index}`, change, { filters })));
  await measure(`${count} in this process, no filter matches`, rounds, () => skipped.preCreate(body, {}));
  const chained = hostOf(each.map((index) => inProcess(`own-${index}`, annotating(index))));
  await measure(`${count} in this process, each changes a field`, Math.ceil(rounds / count), () => chained.preCreate(body, {}));
  const policies = hostOf(each.map((index) => policy(`rules-${index}`, { validations: [rule] })));
  await measure(`${count} policies of one rule`, Math.ceil(rounds / count), () => policies.preCreate(body, {}));
  await measureInstalled(count, false);
  if (count > 1) await measureInstalled(count, true);
}

const answering = await startAnswering(directory);
try {
  const bounded = host(answering);
  for (const [index, name] of boundAnswers.entries()) {
    const stalls: number[] = [];
    for (let round = 0; round < 7; round += 1)
      stalls.push(await longestStall(() => bounded.preCreate({ Image: String(index), HostConfig: {} }, {})));
    stalls.sort((a, b) => a - b);
    process.stdout.write(
      `answer at the bound: ${name.padEnd(27)} longest stall p50 ${stalls[3]?.toFixed(1)} ms   worst ${stalls[6]?.toFixed(1)} ms\n`,
    );
  }
} finally {
  await answering.close();
  rmSync(directory, { recursive: true, force: true });
}
