/** Ten thousand mixed plugin calls with random faults, on every transport: nothing may be left and nothing may grow. */
import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import { compileBodyChecks, InProcessPlugin, parseManifest } from "@pouchcontainer/plugin-sdk/host";
import {
  sampleContainer,
  sampleContainerConfig,
  sampleEndpoint,
  sampleImage,
  sampleVolumeConfig,
} from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { InstalledPlugin } from "../packages/engine/src/plugin-host/installed/installed-plugin.ts";
import { PluginHost } from "../packages/engine/src/plugin-host/plugin-host.ts";

const calls = 10_000;
const fixtures = join(import.meta.dirname, "../packages/engine/src/plugin-host/conformance");
const quiet = (): void => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const supervisor = { start: () => Promise.reject(new Error("none here")) };

function manifestOf(folder: string): PluginManifest {
  const packageJson = JSON.parse(readFileSync(join(fixtures, folder, "package.json"), "utf8")) as { pouch: object };
  return parseManifest({ ...packageJson, pouch: { ...packageJson.pouch, timeoutMs: 1000 } });
}

function installed(folder: string, runtimeDirectory: string): Promise<InstalledPlugin> {
  return InstalledPlugin.start({
    manifest: manifestOf(folder),
    directory: join(fixtures, folder),
    configuration: { word: "soak" },
    environment: { PATH: process.env["PATH"] ?? "" },
    childCommand: (directory) => ({ command: process.execPath, args: [join(fixtures, "run-child.ts"), directory] }),
    runtimeDirectory,
    log,
  });
}

/** What is counted afterwards is what is still referenced. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  assert.ok(typeof collect === "function");
  collect();
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Processes that carry the mark of a plugin's process and were started from this folder. */
function processesIn(directory: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "utf8").includes(directory);
    } catch {
      return false;
    }
  });
}

test("10,000 mixed calls with random faults leave nothing behind", async () => {
  const runtimeDirectory = mkdtempSync(join(tmpdir(), "soak-"));
  const earlierDescriptors = descriptors();
  // Circuits would keep the faults away from the plugins; the clock runs so fast that they are never open for long.
  let now = 0;
  const host = new PluginHost({
    checks: compileBodyChecks(),
    logOf: () => log,
    supervisorOf: () => supervisor,
    stateDirectoryOf: () => "/nowhere",
    now: () => (now += 10_000),
  });
  const inProcess = await InProcessPlugin.load({
    manifest: manifestOf("typescript"),
    load: () => import(`${fixtures}/typescript/conformance.ts?soak`),
    settings: { configuration: { word: "soak" }, environment: {} },
  });
  const instances = [inProcess, await installed("typescript", runtimeDirectory), await installed("python", runtimeDirectory)];
  const hosts = instances.map((instance) => {
    const one = host.rehearsal();
    one.add(instance);
    return one;
  });

  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * below);
  };
  const faults = ["refuse", "throw", "invalid"];
  let [failed, succeeded] = [0, 0];
  const callOnce = async (): Promise<void> => {
    const chains = hosts[random(hosts.length)] ?? host;
    const fault = random(20) === 0;
    const exit = chains !== hosts[0] && random(2500) === 0;
    // Each of them costs the whole time limit of a call.
    const hangs = random(800) === 0;
    const Image = exit ? "exit" : hangs ? "hang" : fault ? (faults[random(faults.length)] ?? "") : "busybox";
    const config = sampleContainerConfig({ Image });
    const context = { containerId: `c${random(50)}` };
    const work = [
      () => chains.preCreate(config, context),
      () => chains.preCreate(config, context),
      () => chains.preStart(sampleContainer(), context),
      () => chains.preCreateEndpoint("c1", ["A=1"], sampleEndpoint(), context),
      () => chains.postUpdate((use) => use("/rootfs"), ["A=1"], context),
      () => chains.preVolumeCreate(sampleVolumeConfig(), {}),
      () => chains.postPull("overlayfs", sampleImage(), {}),
    ][random(7)];
    try {
      await work?.();
      succeeded += 1;
    } catch {
      failed += 1;
    }
  };
  const run = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += 20) await Promise.all(Array.from({ length: 20 }, callOnce));
  };

  try {
    await soak();
  } finally {
    await Promise.all(instances.map((instance) => instance.close()));
  }
  for (let tries = 0; tries < 150 && processesIn(runtimeDirectory).length > 0; tries++) await sleep(100);
  assert.deepEqual(processesIn(runtimeDirectory), []);
  assert.deepEqual(readdirSync(runtimeDirectory), []);
  assert.ok(descriptors() <= earlierDescriptors + 3, `${descriptors()} file descriptors, ${earlierDescriptors} before`);
  rmSync(runtimeDirectory, { recursive: true });

  async function soak(): Promise<void> {
    await run(calls / 5);
    collectGarbage();
    const earlierMemory = process.memoryUsage().heapUsed;
    await run((calls / 5) * 4);
    collectGarbage();
    const grownMb = (process.memoryUsage().heapUsed - earlierMemory) / 1e6;

    assert.equal(failed + succeeded, calls);
    assert.ok(failed > calls / 200, `only ${failed} calls failed`);
    assert.ok(succeeded > calls / 2, `only ${succeeded} calls succeeded`);
    assert.ok(grownMb < 30, `the heap grew by ${grownMb.toFixed(1)} MB`);
  }
});
