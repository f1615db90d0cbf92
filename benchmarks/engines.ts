/**
 * Side by side with dockerd in one run, the same client for both: `make bench`, or `hack/bench NAME…` for some of the
 * rows. Figures are medians; trust the ratios, not the milliseconds.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { archiveSamples } from "./harness/archive-samples.ts";
import {
  call,
  cpuSecondsOf,
  drain,
  memoryOf,
  projectRoot,
  send,
  startDockerd,
  startPouch,
  type Engine,
} from "./harness/engine.ts";
import { median, report, reportHead, type Measure } from "./harness/report.ts";

const noNetwork = { NetworkMode: "none" };

async function create(engine: Engine, body: Record<string, unknown>): Promise<string> {
  const answer = await call(engine, "POST", "/v1.41/containers/create", { Image: "busybox", HostConfig: noNetwork, ...body });
  return (JSON.parse(answer) as { Id: string }).Id;
}

/** Each container asks for a port of its own, chosen by the engine. */
const bridged = {
  HostConfig: { NetworkMode: "default", PortBindings: { "80/tcp": [{ HostPort: "" }] } },
  ExposedPorts: { "80/tcp": {} },
};

async function cycle(engine: Engine, body: Record<string, unknown> = {}): Promise<void> {
  const id = await create(engine, { Cmd: ["true"], ...body });
  await call(engine, "POST", `/v1.41/containers/${id}/start`);
  await call(engine, "POST", `/v1.41/containers/${id}/wait`);
  await call(engine, "DELETE", `/v1.41/containers/${id}`);
}

async function parallel(engine: Engine, times: number, body: Record<string, unknown> = {}): Promise<void> {
  let left = times;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await cycle(engine, body);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

using archives = archiveSamples();

const rows: Measure<Engine>[] = [
  {
    name: "memory",
    unit: "MB resident, daemon + containerd, idle",
    budget: 0.9,
    measure: async (engine) => (await idle(engine)).rss,
  },
  {
    name: "memory-pss",
    unit: "MB proportional, daemon + containerd, idle",
    budget: 0.9,
    measure: async (engine) => (await idle(engine)).pss,
  },
  {
    name: "run",
    unit: "ms, create + start + wait + remove, network none",
    budget: 0.6,
    measure: async (engine) => {
      await cycle(engine);
      return await median(25, () => cycle(engine));
    },
  },
  {
    name: "bridge",
    unit: "ms, the same on the default bridge with a published port",
    budget: 0.4,
    measure: async (engine) => {
      await cycle(engine, bridged);
      return await median(15, () => cycle(engine, bridged));
    },
  },
  {
    name: "bridge-50",
    unit: "ms, 50 of those, 8 at a time",
    budget: 0.4,
    measure: (engine) => median(1, () => parallel(engine, 50, bridged)),
  },
  {
    name: "parallel",
    unit: "ms, 40 of those, 8 at a time",
    budget: 0.6,
    measure: (engine) => median(3, () => parallel(engine, 40)),
  },
  {
    name: "exec",
    unit: "ms, exec of true until its exit code is known",
    budget: 0.7,
    measure: async (engine) => {
      const id = await create(engine, { Cmd: ["sleep", "600"] });
      await call(engine, "POST", `/v1.41/containers/${id}/start`);
      const result = await median(25, async () => {
        const exec = JSON.parse(
          await call(engine, "POST", `/v1.41/containers/${id}/exec`, { Cmd: ["true"], AttachStdout: true }),
        ) as { Id: string };
        await call(engine, "POST", `/v1.41/exec/${exec.Id}/start`, { Detach: false, Tty: false });
        await call(engine, "GET", `/v1.41/exec/${exec.Id}/json`);
      });
      await call(engine, "DELETE", `/v1.41/containers/${id}?force=1`);
      return result;
    },
  },
  {
    name: "cp-in-large",
    unit: "ms, one file of 600 MB into a running container",
    budget: 1,
    measure: (engine) => withFiles(engine, (id) => send(engine, archiveOf(id, "/tmp"), archives.samples().large)),
  },
  {
    name: "cp-in-small",
    unit: "ms, 20,000 files of 1 to 4 KB into a running container",
    budget: 1,
    measure: (engine) => withFiles(engine, (id) => send(engine, archiveOf(id, "/tmp"), archives.samples().small)),
  },
  {
    name: "cp-out",
    unit: "ms, those 20,000 files out of it",
    budget: 1,
    measure: async (engine) =>
      withFiles(
        engine,
        (id) => drain(engine, archiveOf(id, "/tmp/small")),
        (id) => send(engine, archiveOf(id, "/tmp"), archives.samples().small),
      ),
  },
  {
    name: "export",
    unit: "ms, a container with those and the 600 MB",
    budget: 1,
    measure: async (engine) =>
      withFiles(
        engine,
        (id) => drain(engine, `/v1.41/containers/${id}/export`),
        async (id) => {
          await send(engine, archiveOf(id, "/tmp"), archives.samples().small);
          await send(engine, archiveOf(id, "/tmp"), archives.samples().large);
        },
      ),
  },
  {
    name: "list",
    unit: "lists of 100 containers per second",
    budget: 15,
    higher: true,
    measure: async (engine) => {
      const ids = await Promise.all(Array.from({ length: 100 }, () => create(engine, { Cmd: ["true"] })));
      const seconds = 3;
      const deadline = performance.now() + seconds * 1000;
      let done = 0;
      const worker = async (): Promise<void> => {
        while (performance.now() < deadline) {
          await call(engine, "GET", "/v1.41/containers/json?all=1");
          done += 1;
        }
      };
      await Promise.all(Array.from({ length: 4 }, worker));
      for (const id of ids) await call(engine, "DELETE", `/v1.41/containers/${id}`);
      return done / seconds;
    },
  },
  {
    name: "logs",
    unit: "MB/s of 100-byte lines through json-file",
    budget: 1.5,
    higher: true,
    measure: async (engine) => (await logThroughput(engine)).megabytesPerSecond,
  },
  {
    name: "logs-cpu",
    unit: "CPU seconds of daemon and containerd for 300 MB of logs",
    budget: 0.5,
    measure: async (engine) => (await logThroughput(engine)).cpuSeconds,
  },
];

const archiveOf = (id: string, path: string): string => `/v1.41/containers/${id}/archive?path=${path}`;

/** Median of five times the work on a running container, once without counting; `prepare` comes before all. */
async function withFiles(
  engine: Engine,
  work: (id: string) => Promise<void>,
  prepare?: (id: string) => Promise<void>,
): Promise<number> {
  const id = await create(engine, { Cmd: ["sleep", "600"] });
  await call(engine, "POST", `/v1.41/containers/${id}/start`);
  await prepare?.(id);
  await work(id);
  const result = await median(5, () => work(id));
  await call(engine, "DELETE", `/v1.41/containers/${id}?force=1`);
  return result;
}

/** Both have been asked once, and left alone for a while. */
async function idle(engine: Engine): Promise<{ rss: number; pss: number }> {
  await call(engine, "GET", "/v1.41/containers/json");
  await sleep(17_000);
  return memoryOf(engine.pids());
}

async function logThroughput(engine: Engine): Promise<{ megabytesPerSecond: number; cpuSeconds: number }> {
  const megabytes = 300;
  const line = "x".repeat(99);
  const id = await create(engine, { Cmd: ["sh", "-c", `yes ${line} | head -c ${megabytes * 1_000_000}`] });
  const cpuBefore = cpuSecondsOf(engine.pids());
  const started = performance.now();
  await call(engine, "POST", `/v1.41/containers/${id}/start`);
  await call(engine, "POST", `/v1.41/containers/${id}/wait`);
  const seconds = (performance.now() - started) / 1000;
  const cpuSeconds = cpuSecondsOf(engine.pids()) - cpuBefore;
  await call(engine, "DELETE", `/v1.41/containers/${id}`);
  return { megabytesPerSecond: megabytes / seconds, cpuSeconds };
}

/** Start of the CLI until its answer is printed; the daemon is the same for both. */
async function clientStart(engine: Engine, command: string[]): Promise<number> {
  return await median(30, async () => {
    const result = spawnSync(command[0] ?? "", ["-H", `unix://${engine.socket}`, ...command.slice(1)], { stdio: "ignore" });
    if (result.status !== 0) throw new Error(`${command.join(" ")} failed`);
  });
}

const wanted = process.argv.slice(2);
const selected = rows.filter((row) => wanted.length === 0 || wanted.includes(row.name));
reportHead("pouchd", "dockerd");
await using ours = await startPouch();
await using theirs = await startDockerd();
for (const row of selected) report(row.name, await row.measure(ours), theirs && (await row.measure(theirs)), row);
if (wanted.length === 0 || wanted.includes("cli")) {
  const pouch = await clientStart(ours, [join(projectRoot, "bin/pouch"), "ps"]);
  const docker = await clientStart(ours, ["/usr/bin/docker", "ps"]);
  report("cli", pouch, docker, { unit: "ms, `ps` with pouch and with docker, both against pouchd", budget: 0.7 });
}
