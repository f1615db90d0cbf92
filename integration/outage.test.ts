/** `kill -9` of the daemon and of its containerd while containers run, end, are made and are removed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { connectContainerd } from "@pouchcontainer/containerd";
import { commandLine, Daemon, eventually, sleep } from "./harness/daemon.ts";
import { makeLayeredArchive } from "./harness/layered-image.ts";
import { killStorm } from "./harness/kill-storm.ts";
import { framesIn } from "./harness/log-frames.ts";
import { disagreements } from "./soak/agreement.ts";
import { parentOf } from "./soak/machine-state.ts";
import { sendSignal } from "./harness/send-signal.ts";

let daemon: Daemon;

before(async () => {
  const executable = process.env["POUCHD"];
  daemon = await Daemon.start(executable ? { executable } : {});
});

after(async () => {
  await daemon[Symbol.asyncDispose]();
});

interface Inspected {
  Id: string;
  State: { Status: string; Pid: number; ExitCode: number; OOMKilled: boolean; FinishedAt: string; StartedAt: string };
  RestartCount: number;
}

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await daemon.docker("run", "-d", "--network", "none", ...args);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

async function create(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await daemon.docker("create", "--network", "none", ...args);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

async function inspect(id: string): Promise<Inspected> {
  const answer = await daemon.api("GET", `/containers/${id}/json`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json<Inspected>();
}

const sh = (script: string): string[] => ["busybox", "sh", "-c", script];

/** Numbered lines on both streams, about `rate` of them a second. */
const counting = (count: number, rate: number, last = "exit 0"): string[] =>
  sh(`i=1; while [ $i -le ${count / 2} ]; do echo $i; echo $i >&2; i=$((i+1)); usleep ${Math.round(2e6 / rate)}; done; ${last}`);

/** The log as it is on disk, checked line by line: each stream counts from 1 to the last without a hole. */
function countLines(id: string): { stdout: number; stderr: number } {
  const last = { stdout: 0, stderr: 0 };
  const text = readFileSync(join(daemon.homeDirectory, "containers", id, `${id}-json.log`), "utf8");
  for (const line of text.split("\n").slice(0, -1)) {
    const entry = JSON.parse(line) as { log: string; stream: "stdout" | "stderr" };
    assert.equal(entry.log, `${last[entry.stream] + 1}\n`, `${entry.stream} after line ${last[entry.stream]}`);
    last[entry.stream]++;
  }
  return last;
}

function containerdPid(): number {
  const own = containerdPids();
  assert.equal(own.length, 1, `processes of containerd: ${own.join(" ")}`);
  return Number(own[0]);
}

/** Killed by this test: on a busy machine such a process bears its name for a while yet. */
const killedPids = new Set<string>();

function containerdPids(): string[] {
  const found = readdirSync("/proc").filter((pid) => {
    const command = /^\d+$/.test(pid) && !killedPids.has(pid) ? commandLine(pid) : "";
    return /^(\S*\/)?containerd /.test(command) && command.includes(` ${daemon.directory}`);
  });
  // A child that it is about to make a shim of bears its name for a moment.
  return found.filter((pid) => commandLine(pid) !== "" && !found.includes(String(parentOf(Number(pid)))));
}

function killContainerd(pid = containerdPid()): void {
  killedPids.add(String(pid));
  sendSignal(pid, "SIGKILL");
}

/** What a follower hears from now on, until it has heard enough. */
async function follow(id: string, enough: (text: string) => boolean): Promise<string> {
  return await new Promise((resolve, reject) => {
    const path = `/containers/${id}/logs?follow=1&stdout=1&tail=1`;
    const request = http.get({ socketPath: daemon.socket, path }, (response) => {
      let bytes = Buffer.alloc(0);
      let text = "";
      response.on("data", (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        text = Buffer.concat(framesIn(bytes).map(({ data }) => data)).toString();
        if (!enough(text)) return;
        resolve(text);
        request.destroy();
      });
      response.on("end", () => reject(new Error(`the log ended with ${JSON.stringify(text)}`)));
    });
    request.on("error", reject);
  });
}

test("logs have no hole and no line twice, whatever is killed; the same processes run on", async () => {
  const steady = await run(...counting(2000, 200, "exec sleep 300"));
  const fast = await run(...sh("seq 1 1000000; seq 1 300000 >&2; exec sleep 300"));
  const rotated = await run("--log-opt", "max-size=2m", "--log-opt", "max-file=50", ...sh("seq 1 300000; exec sleep 300"));
  const pids = await Promise.all([steady, fast, rotated].map(async (id) => (await inspect(id)).State.Pid));
  const brief: string[] = [];
  for (let count = 0; count < 4; count++) {
    for (const delay of [100, 200, 300]) brief.push(await run(...sh(`usleep ${delay}000; seq 1 500; seq 1 500 >&2`)));
    await sleep(250 * Math.random());
    await daemon.kill9();
    await sleep(200 * Math.random());
    await daemon.launch();
  }
  killContainerd();
  await eventually("containerd is back", () => containerdPids().length === 1);
  const killed = daemon.kill9();
  killContainerd();
  await killed;
  await daemon.launch();
  const logged = async (): Promise<boolean> => {
    if (countLines(steady).stderr === 1000) return countLines(fast).stderr === 300_000;
    // A look at the other, over a million lines long, would keep the machine from writing them.
    await sleep(500);
    return false;
  };
  await eventually("every line is logged", logged, 150);
  assert.deepEqual(countLines(steady), { stdout: 1000, stderr: 1000 });
  assert.deepEqual(countLines(fast), { stdout: 1_000_000, stderr: 300_000 });
  assert.deepEqual(await Promise.all([steady, fast, rotated].map(async (id) => (await inspect(id)).State.Pid)), pids);

  // They ended at about the moment when the daemon was killed.
  for (const id of brief) {
    await eventually("it has ended", async () => (await inspect(id)).State.Status === "exited");
    assert.deepEqual(countLines(id), { stdout: 500, stderr: 500 }, id);
  }

  let next = 1;
  const { stdout } = await daemon.docker("logs", rotated);
  for (const line of stdout.split("\n").slice(0, -1)) assert.equal(line, String(next++));
  assert.equal(next - 1, 300_000);
  await daemon.docker("rm", "-f", steady, fast, rotated, ...brief);
});

test("what ended during an outage is told with its own code, cause and time", async () => {
  const code = await run(...sh("sleep 1; echo last words; exit 7"));
  const signal = await run("busybox", "sleep", "300");
  const memory = await run("-m", "16m", "--memory-swap", "16m", ...sh("sleep 1; exec tail /dev/zero"));
  const always = await run("--restart", "always", ...sh("sleep 1; exit 1"));
  const onFailure = await run("--restart", "on-failure:1", ...sh("sleep 1; exit 4"));
  const gone = await run("--rm", "busybox", "sleep", "1");
  const shim = await run("busybox", "sleep", "300");
  const { Pid } = (await inspect(signal)).State;
  const shimPid = parentOf((await inspect(shim)).State.Pid);
  await daemon.kill9();
  killContainerd();
  sendSignal(Pid, "SIGKILL");
  sendSignal(shimPid, "SIGKILL");
  await sleep(2500);
  const back = Date.now();
  await daemon.launch();

  const ended = (await inspect(code)).State;
  assert.deepEqual([ended.Status, ended.ExitCode], ["exited", 7]);
  assert.ok(Date.parse(ended.FinishedAt) < back - 500, `${ended.FinishedAt} is when it was noticed, not when it ended`);
  assert.equal((await daemon.docker("logs", code)).stdout, "last words\n");
  assert.equal((await daemon.docker("wait", code)).stdout, "7\n");
  const killed = (await inspect(signal)).State;
  assert.deepEqual([killed.Status, killed.ExitCode, killed.OOMKilled], ["exited", 137, false]);
  const outOfMemory = (await inspect(memory)).State;
  assert.deepEqual([outOfMemory.Status, outOfMemory.ExitCode, outOfMemory.OOMKilled], ["exited", 137, true]);
  await eventually("--restart always has restarted it", async () => (await inspect(always)).RestartCount > 0);
  await eventually("on-failure:1 restarts it once", async () => {
    const { RestartCount, State } = await inspect(onFailure);
    return RestartCount === 1 && State.Status === "exited" && State.ExitCode === 4;
  });
  await eventually("--rm has removed it", async () => (await daemon.api("GET", `/containers/${gone}/json`)).status === 404);
  await daemon.docker("rm", "-f", code, signal, memory, always, onFailure, shim);
});

/** What a container says to a line, through the docker CLI; its input stays open, since with the input an attach ends. */
async function typed(id: string, line: string): Promise<string> {
  const client = spawn("/usr/bin/docker", ["-H", `unix://${daemon.socket}`, "attach", "--sig-proxy=false", id]);
  try {
    client.stdin.write(line);
    let said = "";
    client.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    return await eventually("the container answers", () => (said.endsWith("\n") ? said : undefined));
  } finally {
    client.kill();
  }
}

test("after an outage a container can be followed, attached to, entered, paused and stopped", async () => {
  const id = await run("-i", ...sh("while read line; do echo got $line; done"));
  const talker = await run(...sh("i=0; while :; do i=$((i+1)); echo $i; usleep 50000; done"));
  await daemon.kill9();
  killContainerd();
  await daemon.launch();
  const heard = await follow(talker, (text) => text.split("\n").length > 5);
  const numbers = heard.split("\n").slice(0, -1).map(Number);
  for (const [index, number] of numbers.entries()) assert.equal(number, (numbers[0] ?? 0) + index, heard);

  const exec = await daemon.docker("exec", id, "sh", "-c", "echo inside; exit 5");
  assert.deepEqual([exec.code, exec.stdout], [5, "inside\n"]);
  assert.equal(await typed(id, "word\n"), "got word\n");
  for (const command of [["pause"], ["unpause"], ["stop", "-t", "0"], ["start"], ["kill"]])
    assert.equal((await daemon.docker(...command, talker)).code, 0, command.join(" "));
  await daemon.docker("rm", "-f", id, talker);
});

test("creates, starts and removals cut short leave nothing that no container has", async () => {
  for (let round = 0; round < 8; round++) {
    const network = round % 2 === 0 ? "none" : "bridge";
    const busy = Array.from({ length: 6 }, (_, index) => churn(`${round}-${index}`, network));
    await sleep(150 + 500 * Math.random());
    const killed = daemon.kill9();
    if (round % 3 === 2) killContainerd();
    await killed;
    await Promise.all(busy);
    await daemon.launch();
  }
  const ids = (await daemon.api("GET", "/containers/json?all=1")).json<{ Id: string; State: string }[]>();
  const all = new Set(ids.map(({ Id }) => Id));
  const running = new Set(ids.filter(({ State }) => State === "running").map(({ Id }) => Id));
  await eventually("containerd and the machine have what the containers have", async () => {
    const found = await resources();
    return (
      within(found.snapshots, all) &&
      found.snapshots.length === all.size &&
      within(found.containers, all) &&
      within(found.tasks, running) &&
      found.tasks.length === running.size &&
      within(found.folders, all) &&
      within(found.runtimeFolders, running) &&
      within(found.sharedMemory, running) &&
      found.sharedMemory.length === running.size
    );
  }).catch(async (error: unknown) => {
    const found = await resources();
    const lost = [...running].filter((id) => !found.sharedMemory.includes(id));
    const said = daemon.log.split("\n").filter((line) => lost.some((id) => line.includes(id)));
    assert.fail(`${String(error)}: ${JSON.stringify({ all: [...all], running: [...running], ...found, lost, said }, null, 1)}`);
  });
  const starts = await Promise.all([...all].filter((id) => !running.has(id)).map((id) => daemon.docker("start", id)));
  for (const { code, stderr } of starts) assert.equal(code, 0, stderr);
  const removals = await Promise.all([...all].map((id) => daemon.docker("rm", "-f", id)));
  for (const { code, stderr } of removals) assert.equal(code, 0, stderr);
  await nothingIsLeft({ withinSeconds: 20 });
});

/** As it is on disk by now: of a copy, since the daemon lets nobody else read. */
function storedStatus(id: string): string | undefined {
  const copy = join(daemon.directory, "stored.db");
  for (const suffix of ["", "-wal"]) copyFileSync(join(daemon.homeDirectory, `pouch.db${suffix}`), `${copy}${suffix}`);
  using database = new DatabaseSync(copy);
  const row = database.prepare("SELECT value FROM records WHERE collection = 'containers' AND id = ?").get(id);
  const record = JSON.parse(String(row?.["value"] ?? "{}")) as { state?: { status: string } };
  return record.state?.status;
}

test("a removal that is cut short is finished, with the volumes it was asked to take", async () => {
  const volumes = async (): Promise<unknown[]> =>
    (await daemon.api("GET", "/volumes")).json<{ Volumes: unknown[] | null }>().Volumes ?? [];
  for (const daemonToo of [false, true]) {
    const id = await create("-v", "/data", "busybox", "true");
    assert.equal((await volumes()).length, 1);
    const pid = containerdPid();
    sendSignal(pid, "SIGSTOP");
    const removal = daemon.api("DELETE", `/containers/${id}?v=1`).then(
      ({ status }) => status,
      () => "cut off",
    );
    // Asked of the database: killed before it is stored, nothing has happened, and a slow disk stores it when containerd is back.
    await eventually("the removal has begun", () => {
      try {
        return storedStatus(id) === "removing";
      } catch {
        return false; // A copy that was torn by a write.
      }
    });
    await sleep(300);
    const killed = daemonToo ? daemon.kill9() : undefined;
    killContainerd(pid);
    await killed;
    assert.equal(await removal, daemonToo ? "cut off" : 503);
    if (daemonToo) await daemon.launch();
    await eventually("it is gone", async () => (await daemon.api("GET", `/containers/${id}/json`)).status === 404);
    await nothingIsLeft({ withinSeconds: 20 });
    assert.deepEqual(await volumes(), []);
  }
});

test("a container whose shim is killed has ended with 137, can be started again and removed", async () => {
  const id = await run("busybox", "sleep", "300");
  sendSignal(parentOf((await inspect(id)).State.Pid), "SIGKILL");
  assert.equal((await daemon.docker("wait", id)).stdout, "137\n");
  assert.equal((await inspect(id)).State.Status, "exited");
  assert.equal((await daemon.docker("start", id)).code, 0);
  assert.equal((await daemon.docker("rm", "-f", id)).code, 0);
});

test("a daemon that is ended while containers end leaves no end half told, and says nothing of errors", async () => {
  const restarted = await run("--restart", "always", ...sh("usleep 20000; exit 4"));
  for (let round = 0; round < 4; round++) {
    const scripts = Array.from({ length: 16 }, (_, index) => sh(`usleep ${300_000 + index * 25_000}; exit 3`));
    const ids = await Promise.all(scripts.map((script, index) => run(...(index % 4 === 0 ? ["--rm"] : []), ...script)));
    await sleep(150 * Math.random());
    assert.equal(await daemon.stop(), 0);
    await daemon.launch();
    for (const [index, id] of ids.entries()) {
      if (index % 4 === 0)
        await eventually("it is removed", async () => (await daemon.api("GET", `/containers/${id}/json`)).status === 404);
      else await eventually("it has ended with its code", async () => (await inspect(id)).State.ExitCode === 3);
    }
    await daemon.docker("rm", "-f", ...ids);
  }
  assert.deepEqual(
    daemon.log.split("\n").filter((line) => line.includes("store is closed")),
    [],
  );
  const { RestartCount } = await inspect(restarted);
  await eventually("it is restarted again", async () => (await inspect(restarted)).RestartCount > RestartCount, 70);
  assert.equal((await daemon.docker("rm", "-f", restarted)).code, 0);
});

test("what a killed containerd leaves of a load goes when it is back, not with the next start", async () => {
  const archive = join(daemon.directory, "layers.tar");
  makeLayeredArchive(archive, { name: "layers:1", layers: 3, bytesPerLayer: 40 << 20 });
  const bytes = readFileSync(archive);
  const load = (): { request: http.ClientRequest; ended: Promise<unknown> } => {
    const ended = Promise.withResolvers<unknown>();
    const request = http.request({ socketPath: daemon.socket, method: "POST", path: "/images/load?quiet=1" }, (response) => {
      response.on("close", ended.resolve).resume();
    });
    request.on("error", ended.resolve);
    return { request, ended: ended.promise };
  };
  const ingest = join(daemon.homeDirectory, "containerd/io.containerd.content.v1.content/ingest");
  const ingestions = (): string[] => readdirSync(ingest);

  const begun = load();
  begun.request.flushHeaders();
  await eventually("a load has begun", async () => (await ofImages()).leases.length > 0);
  killContainerd();
  // As it leaves one that it had made and not yet recorded.
  const ref = "pouch/1/pouch-load-unrecorded";
  const unrecorded = join(ingest, createHash("sha256").update(ref).digest("hex"));
  mkdirSync(unrecorded);
  for (const [name, text] of Object.entries({ ref, data: "some", total: "10" })) writeFileSync(join(unrecorded, name), text);
  begun.request.end();
  await begun.ended;
  await eventually("nothing of it is left", async () => ingestions().length === 0 && (await nothingOfImages()), 60);

  const ingesting = load();
  ingesting.request.write(bytes.subarray(0, 30 << 20));
  await eventually("a layer is on its way", () => ingestions().length > 0);
  killContainerd();
  ingesting.request.end(bytes.subarray(30 << 20));
  await ingesting.ended;
  await eventually("nothing of it is left", async () => ingestions().length === 0 && (await nothingOfImages()), 60);

  const unpacking = load();
  unpacking.request.end(bytes);
  await eventually("a layer is being unpacked", async () => (await ofImages()).extractions.length > 0);
  killContainerd();
  await unpacking.ended;
  await eventually("nothing of it is left", async () => ingestions().length === 0 && (await nothingOfImages()), 60);

  await daemon.load(archive);
  assert.equal((await daemon.docker("rmi", "layers:1")).code, 0);
});

/** What operations on images have under way in containerd. */
async function ofImages(): Promise<{ leases: string[]; extractions: string[] }> {
  const client = connectContainerd({ address: join(daemon.execRoot, "containerd.sock"), namespace: "pouch" });
  try {
    const [leases, snapshots] = await Promise.all([client.leases.list(), client.snapshots("overlayfs").list()]);
    const names = snapshots.map(({ name }) => name);
    return { leases: leases.map(({ id }) => id), extractions: names.filter((name) => name.startsWith("extract-")) };
  } finally {
    await client.close();
  }
}

async function nothingOfImages(): Promise<boolean> {
  const found = await ofImages().catch(() => undefined);
  return found !== undefined && found.leases.length + found.extractions.length === 0;
}

test("containerd that is killed over and over while containers are restarted by their policy ends no policy", async () => {
  daemon.expectsErrors(/containerd/);
  const ids = await Promise.all(
    Array.from({ length: 8 }, (_, index) => run("--restart", "always", ...sh(`usleep ${index}0000; exit ${index}`))),
  );
  for (let round = 0; round < 4; round++) {
    await sleep(300 + 300 * Math.random());
    await eventually("containerd is back", () => containerdPids().length === 1);
    killContainerd();
  }
  const counts = await Promise.all(ids.map(async (id) => (await inspect(id)).RestartCount));
  for (const [index, id] of ids.entries()) {
    const { State } = await inspect(id);
    assert.ok(["restarting", "running"].includes(State.Status), JSON.stringify(State));
    await eventually("it is restarted again", async () => (await inspect(id)).RestartCount > (counts[index] ?? 0), 90);
  }
  assert.equal((await daemon.docker("rm", "-f", ...ids)).code, 0);
  await nothingIsLeft({ withinSeconds: 20 });
});

test("whoever is killed, at whatever moment: records, containerd and the machine agree soon, while the daemon lives", async () => {
  daemon.expectsErrors(/./);
  const client = connectContainerd({ address: join(daemon.execRoot, "containerd.sock"), namespace: "pouch" });
  // What a containerd leaves that is killed while it deletes a bundle.
  const halfDeleted = join(daemon.execRoot, "containerd/io.containerd.runtime.v2.task/pouch", `.${"5e".repeat(32)}`, "rootfs");
  mkdirSync(halfDeleted, { recursive: true });
  let found: string[] = [];
  const agree = async (): Promise<void> => {
    const look = async (): Promise<boolean> => {
      found = await disagreements(daemon, client).catch((error: unknown) => [String(error)]);
      return found.length === 0;
    };
    await eventually("everything agrees", look, 60).catch((error: unknown) =>
      assert.fail(`${String(error)}: ${found.join("; ")}`),
    );
  };
  try {
    for (const victims of [
      ["containerd", "shim", "runc", "process"],
      ["pouchd", "containerd", "shim", "runc"],
    ] as const) {
      await killStorm(daemon, { seed: 7, clients: 4, victims, kills: 8 });
      await agree();
    }
    const ids = (await daemon.api("GET", "/containers/json?all=1")).json<{ Id: string }[]>().map(({ Id }) => Id);
    const removals = await Promise.all(ids.map((id) => daemon.api("DELETE", `/containers/${id}?force=1&v=1`)));
    // One whose removal was cut short by a kill is being finished by the daemon itself.
    assert.deepEqual(
      removals.filter(({ status, text }) => status !== 204 && !text.includes("is already in progress")),
      [],
    );
    const left = async () => (await daemon.api("GET", "/containers/json?all=1")).json<{ Names: string[] }[]>();
    await eventually("all are gone", async () => (await left()).length === 0, 60);
    await agree();
  } finally {
    await client.close();
  }
});

test("a containerd that hangs ends no call and no daemon: each answers that it hangs, and all goes on with it", async () => {
  const [stopped, killed, removed, entered, looked] = await Promise.all(
    [1, 2, 3, 4, 5].map(() => run("busybox", "sleep", "300")),
  );
  const fresh = await create("busybox", "sleep", "300");
  const exec = await daemon.api("POST", `/containers/${entered}/exec`, { Cmd: ["true"] });
  const pid = containerdPid();
  sendSignal(pid, "SIGSTOP");
  try {
    const calls: [string, string, unknown?][] = [
      ["GET", "/images/json"],
      ["GET", "/system/df"],
      ["GET", "/images/busybox/json"],
      ["POST", `/containers/${stopped}/stop?t=0`],
      ["POST", `/containers/${killed}/kill`],
      ["DELETE", `/containers/${removed}?force=1`],
      ["POST", `/exec/${exec.json<{ Id: string }>().Id}/start`, { Detach: true }],
      ["POST", `/containers/${fresh}/start`],
      ["POST", `/containers/${looked}/pause`],
      ["GET", `/containers/${looked}/top`],
      ["GET", "/_ping"],
    ];
    for (const path of ["/containers/json", `/containers/${looked}/json`, "/version", "/volumes"])
      assert.equal((await daemon.api("GET", path)).status, 200, path);
    const answers = await Promise.all(calls.map((call) => daemon.api(...call)));
    for (const [index, { status, text }] of answers.entries()) {
      assert.ok(status === 500 || status === 503, `${calls[index]?.[1]}: ${status} ${text}`);
      assert.match(text, /containerd (at .* does not answer|did not answer)/);
    }
    // It is known to hang by now: nobody waits for it again.
    for (const call of calls.slice(0, 3)) assert.equal((await daemon.api(...call)).status, 503);
  } finally {
    sendSignal(pid, "SIGCONT");
  }
  await eventually("containerd is back", async () => (await daemon.api("GET", "/_ping")).status === 200);
  for (const id of [stopped, killed, entered, looked]) assert.equal((await daemon.docker("stop", "-t", "0", String(id))).code, 0);
  const ids = [stopped, killed, removed, entered, looked, fresh].map(String);
  for (const id of ids) assert.equal((await daemon.docker("start", id)).code, 0);
  assert.equal((await daemon.docker("rm", "-f", ...ids)).code, 0);
  // What comes to life in containerd after its container was removed goes with the daemon's next look, every half minute.
  await nothingIsLeft({ withinSeconds: 60 });
});

/** Makes, starts and removes containers until the daemon is killed. */
async function churn(name: string, network: string): Promise<void> {
  const HostConfig = { NetworkMode: network, IpcMode: "shareable" };
  try {
    for (let count = 0; ; count++) {
      const container = `c${name}-${count}`;
      const body = { Image: "busybox", Cmd: ["sleep", "300"], HostConfig, StopSignal: "SIGKILL" };
      await daemon.api("POST", `/containers/create?name=${container}`, body);
      await daemon.api("POST", `/containers/${container}/start`);
      if (count % 2 === 0) await daemon.api("DELETE", `/containers/${container}?force=1`);
    }
  } catch {
    // The daemon was killed.
  }
}

const within = (found: string[], allowed: Set<string>): boolean => found.every((id) => allowed.has(id));

/** What containerd and the machine have of this daemon's containers. */
async function resources(): Promise<{
  snapshots: string[];
  containers: string[];
  tasks: string[];
  leases: string[];
  folders: string[];
  runtimeFolders: string[];
  sharedMemory: string[];
}> {
  const client = connectContainerd({ address: join(daemon.execRoot, "containerd.sock"), namespace: "pouch" });
  try {
    const [snapshots, containers, tasks, leases] = await Promise.all([
      client.snapshots("overlayfs").list(),
      client.containers.list(),
      client.tasks.list(),
      client.leases.list(),
    ]);
    const isId = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);
    const ids = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).filter(isId) : []);
    const mounts = readFileSync("/proc/self/mountinfo", "utf8");
    return {
      snapshots: snapshots.map(({ name }) => name).filter(isId),
      containers: containers.map(({ id }) => id),
      tasks: tasks.map(({ containerId }) => containerId),
      leases: leases.map(({ id }) => id),
      folders: ids(join(daemon.homeDirectory, "containers")),
      runtimeFolders: ids(join(daemon.execRoot, "containers")),
      sharedMemory: [...mounts.matchAll(new RegExp(` ${daemon.execRoot}/containers/([0-9a-f]{64})/`, "g"))].map(([, id]) =>
        String(id),
      ),
    };
  } finally {
    await client.close();
  }
}

async function nothingIsLeft({ withinSeconds }: { withinSeconds: number }): Promise<void> {
  const look = async (): Promise<boolean> => Object.values(await resources()).every(({ length }) => length === 0);
  await eventually("nothing is left", look, withinSeconds).catch(async (error: unknown) =>
    assert.fail(`${String(error)}: ${JSON.stringify(await resources())}`),
  );
}
