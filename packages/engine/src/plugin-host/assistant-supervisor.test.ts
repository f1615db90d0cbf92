import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { AssistantSupervisor } from "./assistant-supervisor.ts";

function supervisor(): { supervisor: AssistantSupervisor; log: string[] } {
  const log: string[] = [];
  const write = (message: string): void => void log.push(message);
  return {
    log,
    supervisor: new AssistantSupervisor({
      logOf: () => ({ debug: write, info: write, warn: write, error: write }),
      environment: process.env,
    }),
  };
}

function isAlive(pid: number): boolean {
  try {
    // A zombie has ended: only init's leisure keeps its entry.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let round = 0; round < 400; round += 1) {
    if (condition()) return;
    await sleep(25);
  }
  assert.fail(`never happened: ${what}`);
}

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "assistant-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function pidIn(file: string): number {
  try {
    return Number(readFileSync(file, "utf8").trim());
  } catch {
    return 0;
  }
}

test("an assistant's lines are in the log, and its environment is the daemon's with its own on top", async () => {
  const { supervisor: all, log } = supervisor();
  const handle = await all
    .forPlugin("p")
    .start({ name: "echo", command: "sh", args: ["-c", 'echo "hello $WHO"; echo oops >&2; sleep 60'], env: { WHO: "world" } });
  await until("both lines are logged", () => log.includes("echo: hello world") && log.includes("echo: oops"));
  assert.ok(handle.pid !== undefined && isAlive(handle.pid));
  const { pid } = handle;
  await all.stopAll();
  assert.equal(isAlive(pid), false);
  assert.equal(handle.pid, undefined);
});

test("an assistant that ends is started again, later and later", async () => {
  const { supervisor: all, log } = supervisor();
  const handle = await all
    .forPlugin("p")
    .start({ name: "brief", command: "sh", args: ["-c", "exit 3"], restart: { initialDelayMs: 10, maxDelayMs: 5000 } });
  await until("it was started four times", () => handle.restarts >= 3);
  await all.stopAll();
  const delays = log.filter((line) => line.includes("ended with status 3")).map((line) => Number(/in (\d+) ms/.exec(line)?.[1]));
  assert.deepEqual(delays.slice(0, 3), [10, 20, 40]);
});

test("an assistant with policy on-failure stays away after status 0", async () => {
  const { supervisor: all, log } = supervisor();
  await all.forPlugin("p").start({ name: "once", command: "sh", args: ["-c", "exit 0"], restart: { policy: "on-failure" } });
  await until("its end is logged", () => log.includes("assistant once ended with status 0"));
  // The name is free again.
  await all.forPlugin("p").start({ name: "once", command: "sh", args: ["-c", "sleep 60"] });
  await all.stopAll();
});

test("assistants are stopped in reverse order", async (t) => {
  const { supervisor: all, log } = supervisor();
  const order = join(scratch(t), "order");
  for (const name of ["first", "second", "third"]) {
    await all.forPlugin("p").start({
      name,
      command: "sh",
      args: ["-c", `trap 'echo ${name} >> ${order}; exit' TERM; echo ready; while :; do sleep 0.02; done`],
    });
  }
  await until("each has its trap", () => log.filter((line) => line.endsWith(": ready")).length === 3);
  await all.stopAll();
  assert.deepEqual(readFileSync(order, "utf8").trim().split("\n"), ["third", "second", "first"]);
});

test("a plugin whose assistants were stopped starts none with the supervisor it has, and does with a new one", async (t) => {
  const { supervisor: all } = supervisor();
  const old = all.forPlugin("p");
  const process = { name: "late", command: "sh", args: ["-c", "sleep 60"] };
  await all.stopPlugin("p");
  await assert.rejects(old.start(process), {
    kind: "failedPrecondition",
    message: 'assistant "late" cannot be started: the assistants of plugin "p" were stopped since it was given its supervisor',
  });
  t.after(() => all.stopAll());
  await all.forPlugin("p").start(process);
});

test("an assistant that is stopped while it is started does not stay", async (t) => {
  const { supervisor: all } = supervisor();
  const file = join(scratch(t), "pid");
  const starting = all.forPlugin("p").start({ name: "slow", command: "sh", args: ["-c", `echo $$ > ${file}; sleep 60`] });
  const refused = assert.rejects(starting, { message: 'assistant "slow" was stopped while it was started' });
  await all.stopPlugin("p");
  await refused;
  const pid = pidIn(file);
  assert.equal(pid !== 0 && isAlive(pid), false);
  await all.forPlugin("p").start({ name: "slow", command: "sh", args: ["-c", "sleep 60"] });
  await all.stopAll();
});

test("an assistant that ignores SIGTERM is killed after its stop timeout", async () => {
  const { supervisor: all, log } = supervisor();
  const args = ["-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"];
  const handle = await all.forPlugin("p").start({ name: "deaf", command: "sh", args, stopTimeoutMs: 200 });
  const { pid } = handle;
  await until("it has its trap", () => log.includes("deaf: ready"));
  await handle.stop();
  assert.ok(pid !== undefined && !isAlive(pid));
});

test("a missing program is an error of the start", async () => {
  const { supervisor: all } = supervisor();
  await assert.rejects(
    all.forPlugin("p").start({ name: "none", command: "no-such-program-here" }),
    /no-such-program-here is not an executable program in PATH/,
  );
});

test("after SIGKILL of the owner nothing is left: not the assistant, not its children, not those that left its session", async (t) => {
  const directory = scratch(t);
  const script = join(directory, "tree.sh");
  const assistant = `(setsid sh -c 'echo $$ > ${directory}/escaped; exec sleep 300' &); sh -c 'echo $$ > ${directory}/child; exec sleep 300' & echo $$ > ${directory}/main; wait`;
  const owner = spawn(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `
      import { AssistantSupervisor } from ${JSON.stringify(join(import.meta.dirname, "assistant-supervisor.ts"))};
      const write = () => undefined;
      const all = new AssistantSupervisor({ logOf: () => ({ debug: write, info: write, warn: write, error: write }), environment: process.env });
      await all.forPlugin("p").start({ name: "tree", command: "sh", args: ["-c", ${JSON.stringify(assistant)}], stopTimeoutMs: 300 });
      process.stdout.write("up");
      setInterval(() => undefined, 1000);
    `,
      script,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await once(owner.stdout, "data");
  const pids = (): number[] => ["main", "child", "escaped"].map((name) => pidIn(join(directory, name)));
  await until("the whole tree is up", () => pids().every((pid) => pid > 0 && isAlive(pid)));
  const tree = pids();
  owner.kill("SIGKILL");
  await until("the whole tree is gone", () => !tree.some(isAlive));
});

test("an assistant that ends and ends is started later and later, also for a plugin that wants no wait", async () => {
  const { supervisor: all, log } = supervisor();
  await all
    .forPlugin("p")
    .start({ name: "hasty", command: "true", args: [], restart: { policy: "always", initialDelayMs: 0, maxDelayMs: 0 } });
  const delays = (): number[] => log.flatMap((line) => Number(/started again in (\d+) ms/.exec(line)?.[1] ?? NaN) || []);
  await until("it was started some times", () => delays().length >= 4);
  await all.stopAll();
  assert.deepEqual(delays().slice(0, 4), [10, 20, 40, 80]);
});

test("a plugin runs so many assistants and no more, and another when one has ended", async () => {
  const { supervisor: all } = supervisor();
  const view = all.forPlugin("p");
  const sleeper = (name: string) => view.start({ name, command: "sleep", args: ["600"] });
  const running = await Promise.all(Array.from({ length: 64 }, (_, index) => sleeper(`a${index}`)));
  await assert.rejects(sleeper("more"), { kind: "resourceExhausted", message: /runs 64 assistants, which is the most/ });
  await all.forPlugin("other").start({ name: "more", command: "sleep", args: ["600"] });
  await running[0]?.stop();
  await sleeper("more");
  await all.stopAll();
});
