import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ContainerCreateConfig } from "@pouchcontainer/api";
import { EngineHarness, eventually, type Daemon } from "./engine-harness.ts";
import { sendSignal } from "./harness/send-signal.ts";

let harness: EngineHarness;
let daemon: Daemon | undefined;

before(async () => {
  harness = await EngineHarness.start();
});

afterEach(async () => {
  daemon ??= await harness.daemon();
  for (const { Id } of await daemon.containers.list({ all: true, size: false, filters: {} })) await daemon.remove(Id);
  await daemon.leave();
  daemon = undefined;
  assert.deepEqual(await harness.leftovers(), []);
});

after(() => harness.stop());

/** A daemon in a process of its own, with these containers started; `kill` is SIGKILL. */
async function victim(
  requests: { command: string[]; config?: Partial<ContainerCreateConfig> }[],
): Promise<{ ids: string[]; kill: () => Promise<void> }> {
  const script = join(import.meta.dirname, "engine-victim.ts");
  const flags = ["--experimental-ffi", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, script, harness.root, JSON.stringify(requests)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(child.stdout, "data");
  return {
    ids: JSON.parse(String(line)),
    kill: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

const counting = (count: number, pause: string, last = "exit 0"): string[] => [
  "sh",
  "-c",
  `i=0; while [ $i -lt ${count} ]; do echo line $i; i=$((i+1)); sleep ${pause}; done; ${last}`,
];
const lines = (count: number): string => Array.from({ length: count }, (_, n) => `line ${n}\n`).join("");

test("containers run on through kill -9 of the daemon, and their logs have no hole and no line twice", async () => {
  const { ids, kill } = await victim([{ command: counting(60, "0.05", "sleep 100") }]);
  const [id = ""] = ids;
  await delay(700);
  await kill();
  await delay(700);
  daemon = await harness.daemon();
  const { State } = await daemon.containers.inspect(id, { size: false });
  assert.equal(State.Status, "running");
  const current = daemon;
  await eventually("the last line is logged", async () => (await current.logs(id)).includes("line 59\n"));
  assert.equal(await daemon.logs(id), lines(60));
  assert.equal((await daemon.containers.inspect(id, { size: false })).State.Pid, State.Pid);
  await daemon.containers.stop(id, { timeoutSeconds: 0 });
  assert.deepEqual(daemon.problems, []);
});

test("an exit while no daemon lives is settled with its own code and time, its last output included", async () => {
  const { ids, kill } = await victim([{ command: counting(20, "0.05", "printf tail; exit 7") }]);
  const [id = ""] = ids;
  await delay(300);
  await kill();
  await eventually("it has ended", async () => (await harness.client.tasks.get(id)).status === "stopped");
  await delay(1000);
  const back = Date.now();
  daemon = await harness.daemon();
  const { State } = await daemon.containers.inspect(id, { size: false });
  assert.deepEqual([State.Status, State.ExitCode], ["exited", 7]);
  assert.ok(Date.parse(State.FinishedAt) < back - 500, State.FinishedAt);
  assert.equal(await daemon.logs(id), `${lines(20)}tail`);
});

test("a line begun before the kill and ended after it is one line", async () => {
  const { ids, kill } = await victim([{ command: ["sh", "-c", "printf begun; sleep 1.5; echo ' and ended'; sleep 100"] }]);
  const [id = ""] = ids;
  await delay(500);
  await kill();
  daemon = await harness.daemon();
  const current = daemon;
  await eventually("the line is there", async () => (await current.logs(id)) === "begun and ended\n");
});

test("policies hold over an outage: restart what is to run, remove what is to go", async () => {
  const { ids, kill } = await victim([
    { command: ["sleep", "1"], config: { HostConfig: { RestartPolicy: { Name: "always" } } } },
    { command: ["sleep", "1"], config: { HostConfig: { AutoRemove: true } } },
    { command: ["sleep", "1"], config: {} },
  ]);
  await kill();
  const [always = "", gone = "", plain = ""] = ids;
  for (const id of ids) await eventually("it has ended", async () => (await harness.client.tasks.get(id)).status === "stopped");
  daemon = await harness.daemon();
  const current = daemon;
  await eventually("it runs again", async () => (await current.containers.inspect(always, { size: false })).State.Running);
  await eventually("it is removed", () =>
    current.containers.inspect(gone, { size: false }).then(
      () => false,
      () => true,
    ),
  );
  await eventually("it has ended", async () => {
    const { State } = await current.containers.inspect(plain, { size: false });
    return State.Status === "exited";
  });
});

test("a removal cut short over a paused container is finished at the next start", async () => {
  const first = await harness.daemon();
  const id = await first.create(["sleep", "100"]);
  await first.containers.start(id);
  await first.containers.pause(id);
  await first.containers.room.registry.require(id).change({ state: { status: "removing" } });
  await first.leave();
  daemon = await harness.daemon();
  assert.deepEqual(await daemon.containers.list({ all: true, size: false, filters: {} }), []);
  assert.deepEqual(daemon.problems, []);
  assert.deepEqual(await harness.leftovers(), []);
});

test("an end that was told holds: what still runs of it is not taken up, half of it being released, but ended", async () => {
  const first = await harness.daemon();
  const id = await first.create(["sleep", "100"]);
  await first.containers.start(id);
  const finishedAt = new Date().toISOString();
  await first.containers.room.registry.require(id).change({ state: { status: "exited", pid: 0, exitCode: 255, finishedAt } });
  await first.leave();
  daemon = await harness.daemon();
  const { State } = await daemon.containers.inspect(id, { size: false });
  assert.deepEqual([State.Status, State.ExitCode, State.FinishedAt], ["exited", 255, finishedAt]);
  assert.deepEqual(await harness.client.tasks.list(), []);
  await daemon.containers.start(id);
  assert.equal((await daemon.containers.inspect(id, { size: false })).State.Status, "running");
});

test("pieces of creates that were cut short are cleaned away", async () => {
  for (const [id, marked] of [
    ["d".repeat(64), false],
    ["e".repeat(64), true],
  ] as const) {
    const labels = { "io.pouchcontainer.container": id, "containerd.io/gc.root": "2026-01-01T00:00:00Z" };
    const [mount] = await harness.client.snapshots("overlayfs").prepare(id, `sha256:${"b".repeat(64)}`, labels);
    const upper = mount?.options.find((option) => option.startsWith("upperdir="))?.slice("upperdir=".length);
    if (marked) writeFileSync(join(upper ?? "", ".dockerenv"), "");
    mkdirSync(join(harness.root, "home/containers", id), { recursive: true });
  }
  daemon = await harness.daemon();
  assert.deepEqual(await harness.leftovers(), []);
});

test("containers survive kill -9 of containerd; their logs and exits do too", async () => {
  daemon = await harness.daemon();
  const id = await daemon.create(counting(40, "0.05", "exit 5"));
  const lasting = await daemon.create(["sleep", "100"]);
  await daemon.containers.start(id);
  await daemon.containers.start(lasting);
  const { State } = await daemon.containers.inspect(lasting, { size: false });
  sendSignal(harness.containerdPid, "SIGKILL");
  assert.equal(await daemon.waitFor(id), 5);
  assert.equal(await daemon.logs(id), lines(40));
  assert.equal((await daemon.containers.inspect(lasting, { size: false })).State.Pid, State.Pid);
  // On a slow machine the container may have ended before the kill: then nobody has waited for containerd yet.
  await harness.client.whenReconnected();
  const session = await daemon.exec.create(lasting, { Cmd: ["true"] });
  await daemon.exec.startDetached(session.Id);
  await daemon.containers.stop(lasting, { timeoutSeconds: 0 });
});

test("of an exec that a daemon left behind nothing stays where its pipes were", async () => {
  const first = await harness.daemon();
  const id = await first.create(["sleep", "100"]);
  await first.containers.start(id);
  const { Id } = await first.exec.create(id, { Cmd: ["sleep", "99"] });
  await first.exec.startDetached(Id);
  const folder = join(harness.root, "exec/containers", id);
  const pipes = (): string[] => readdirSync(folder).filter((name) => name.startsWith("exec-"));
  assert.equal(pipes().length, 1);
  await first.leave();
  daemon = await harness.daemon();
  assert.deepEqual(pipes(), []);
  const { Processes } = await daemon.containers.top(id, "-o pid,args");
  assert.deepEqual(
    Processes?.map(([, args]) => args),
    ["sleep 100", "sleep 99"],
  );
  await daemon.containers.stop(id, { timeoutSeconds: 0 });
});

test("daemon and containerd killed at once: the same containers run afterwards", async () => {
  const { ids, kill } = await victim([
    { command: counting(50, "0.05", "sleep 100") },
    { command: counting(10, "0.05", "exit 4") },
  ]);
  const [running = "", ended = ""] = ids;
  await delay(300);
  const killed = kill();
  sendSignal(harness.containerdPid, "SIGKILL");
  await killed;
  await delay(1500);
  await harness.client.whenReconnected();
  daemon = await harness.daemon();
  const current = daemon;
  assert.equal((await daemon.containers.inspect(running, { size: false })).State.Status, "running");
  await eventually("the last line is logged", async () => (await current.logs(running)).includes("line 49\n"));
  assert.equal(await daemon.logs(running), lines(50));
  assert.deepEqual([await daemon.waitFor(ended), await daemon.logs(ended)], [4, lines(10)]);
});

test("a daemon over an older store removes nothing that ran: what it does not know is set aside, listed, and removed when somebody says so", async () => {
  daemon = await harness.daemon();
  await daemon.create(["true"]);
  await daemon.leave();
  const file = join(harness.root, "home/store.db");
  const older = readFileSync(file);
  daemon = await harness.daemon();
  const running = await daemon.create(["sleep", "100"]);
  const ended = await daemon.create(["sh", "-c", "echo kept > /tmp/file; echo said"]);
  await daemon.containers.start(running);
  await daemon.containers.start(ended);
  await daemon.waitFor(ended);
  const { State } = await daemon.containers.inspect(running, { size: false });
  await daemon.leave();
  writeFileSync(file, older);

  daemon = await harness.daemon();
  sendSignal(State.Pid, 0);
  const found = await daemon.containers.orphans.list();
  assert.deepEqual(found.map(({ Id }) => Id).toSorted(), [running, ended].toSorted());
  assert.equal(found.find(({ Id }) => Id === running)?.State, "running");
  assert.equal(daemon.problems.filter((problem) => problem.includes("set aside")).length, 2);
  assert.ok((await harness.leftovers()).includes(`snapshot ${ended}`));
  assert.match(readFileSync(join(harness.root, "home/containers", ended, `${ended}-json.log`), "utf8"), /said/);
  await assert.rejects(daemon.containers.orphans.remove("f00f"), /No such orphan: f00f/);

  for (const id of [running, ended]) await daemon.containers.orphans.remove(id.slice(0, 20));
  assert.deepEqual(await daemon.containers.orphans.list(), []);
  assert.equal((await harness.leftovers()).length, 1);
  assert.equal(readdirSync(join(harness.root, "home/containers")).length, 1);
});
