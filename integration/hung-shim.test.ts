/** A shim that hangs for longer than its calls may take carries them out all the same, when it goes on. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Daemon, eventually, sleep } from "./harness/daemon.ts";
import { parentOf } from "./soak/machine-state.ts";
import { sendSignal } from "./harness/send-signal.ts";

interface Inspected {
  State: { Status: string; Pid: number };
  HostConfig: { Memory: number };
}

/** One that has ended and waits for init to notice has no program any more. */
const lives = (pid: number): boolean => existsSync(`/proc/${pid}/exe`);

test("a container whose shim does not answer a daemon that starts runs on", async () => {
  await using daemon = await Daemon.start();
  const names = ["plain", "frozen"];
  for (const name of names) assert.equal((await daemon.docker("run", "-d", "--name", name, "busybox", "sleep", "300")).code, 0);
  assert.equal((await daemon.docker("pause", "frozen")).code, 0);
  const states = async () =>
    Promise.all(names.map(async (name) => (await daemon.api("GET", `/containers/${name}/json`)).json<Inspected>().State));
  const before = await states();
  const shims = before.map(({ Pid }) => parentOf(Pid));
  for (const shim of shims) sendSignal(shim, "SIGSTOP");
  await daemon.kill9();
  await daemon.launch();
  const seen = (await states()).map(({ Status, Pid }) => [Status, Pid]);
  for (const shim of shims) sendSignal(shim, "SIGCONT");
  assert.deepEqual(
    seen,
    before.map(({ Status, Pid }) => [Status, Pid]),
  );
  assert.equal((await daemon.docker("unpause", "frozen")).code, 0);
  for (const name of names) assert.equal((await daemon.docker("exec", name, "true")).code, 0);
  assert.equal((await daemon.docker("rm", "-f", ...names)).code, 0);
});

test("a container whose shim is held up for some seconds over an orderly restart runs on", async () => {
  await using daemon = await Daemon.start();
  assert.equal((await daemon.docker("run", "-d", "--name", "held", "busybox", "sleep", "300")).code, 0);
  const state = async () => (await daemon.api("GET", "/containers/held/json")).json<Inspected>().State;
  const before = await state();
  const shim = parentOf(before.Pid);
  sendSignal(shim, "SIGSTOP");
  await daemon.stop();
  // The containerd of the next daemon asks it, and takes it for dead when it does not answer.
  const launched = daemon.launch();
  await sleep(8000);
  sendSignal(shim, "SIGCONT");
  await launched;
  assert.deepEqual(await state(), before);
  assert.equal((await daemon.docker("exec", "held", "true")).code, 0);
  assert.equal((await daemon.docker("rm", "-f", "held")).code, 0);
});

test("a shim that is taken for dead is ended, and its container's policy starts it again", async () => {
  await using daemon = await Daemon.start();
  const run = ["run", "-d", "--network", "none", "--restart", "always", "--name", "held", "busybox", "sleep", "300"];
  assert.equal((await daemon.docker(...run)).code, 0);
  const state = async () => (await daemon.api("GET", "/containers/held/json")).json<Inspected>().State;
  const shim = parentOf((await state()).Pid);
  sendSignal(shim, "SIGSTOP");
  await daemon.stop();
  await daemon.launch();
  await eventually("it runs again", async () => (await state()).Status === "running");
  assert.notEqual(parentOf((await state()).Pid), shim);
  assert.equal(lives(shim), false);
  assert.equal((await daemon.docker("rm", "-f", "held")).code, 0);
});

test("a removal by force needs no answer of the shim", async () => {
  await using daemon = await Daemon.start();
  const run = ["run", "-d", "-p", "127.0.0.1::80", "-v", "kept:/v", "--name", "held", "busybox"];
  assert.equal((await daemon.docker(...run, "sh", "-c", "sleep 301 & sleep 302")).code, 0);
  const { Pid } = (await daemon.api("GET", "/containers/held/json")).json<Inspected>().State;
  const shim = parentOf(Pid);
  sendSignal(shim, "SIGSTOP");
  const since = Date.now() / 1000;
  const removed = await daemon.docker("rm", "-f", "held");
  assert.equal(removed.code, 0, removed.stderr);
  const range = `--since=${since} --until=${Date.now() / 1000 + 1}`.split(" ");
  const { stdout: told } = await daemon.docker("events", ...range, "--filter", "type=container", "--format", "{{.Action}}");
  assert.deepEqual(told.trim().split("\n"), ["kill", "die", "destroy"]);
  for (const place of [daemon.execRoot, daemon.homeDirectory])
    assert.deepEqual(readdirSync(join(place, "containerd/io.containerd.runtime.v2.task/pouch")), []);
  for (const pid of [Pid, shim]) assert.equal(lives(pid), false);
  assert.equal((await daemon.api("GET", "/containers/held/json")).status, 404);
  assert.equal((await daemon.docker("volume", "rm", "kept")).code, 0);
});

test("a shim is one container's, whatever annotations say, and its end no other's", async () => {
  await using daemon = await Daemon.start();
  // By either of these names shims of containerd serve several containers.
  const Annotations = { "io.containerd.runc.v2.group": "together", "io.kubernetes.cri.sandbox-id": "together" };
  for (const name of ["first", "second"]) {
    const body = { Image: "busybox", Cmd: ["sleep", "300"], HostConfig: { Annotations } };
    assert.equal((await daemon.api("POST", `/containers/create?name=${name}`, body)).status, 201);
    assert.equal((await daemon.api("POST", `/containers/${name}/start`)).status, 204);
  }
  const state = async (name: string) => (await daemon.api("GET", `/containers/${name}/json`)).json<Inspected>().State;
  const before = await state("second");
  const shim = parentOf((await state("first")).Pid);
  assert.notEqual(shim, parentOf(before.Pid));
  sendSignal(shim, "SIGKILL");
  await eventually("its end is noticed", async () => (await state("first")).Status === "exited");
  assert.deepEqual(await state("second"), before);
  assert.equal((await daemon.docker("exec", "second", "true")).code, 0);
  assert.equal((await daemon.docker("rm", "-f", "first", "second")).code, 0);
});

test("execs that a killed daemon had begun keep no shim from answering the next", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "pouch-slow-runc-"));
  t.after(() => rmSync(folder, { recursive: true }));
  // The daemon is killed while the runtime starts the exec: when the shim comes to open the pipes, nobody reads them.
  const runc = join(folder, "runc");
  const holding = `touch ${folder}/exec-$$; until [ -e ${folder}/go ] || [ ! -d ${folder} ]; do sleep 0.1; done`;
  writeFileSync(runc, `#!/bin/sh\ncase " $* " in *" exec "*) ${holding};; esac\nexec /usr/sbin/runc "$@"\n`, { mode: 0o755 });
  const held = (): number[] => readdirSync(folder).flatMap((name) => (name.startsWith("exec-") ? Number(name.slice(5)) : []));
  await using daemon = await Daemon.start({ flags: ["--runtime-path", runc] });
  const id = (await daemon.docker("run", "-d", "busybox", "sleep", "300")).stdout.trim();
  const execs = Array.from({ length: 3 }, () => daemon.docker("exec", id, "echo", "out").catch(() => undefined));
  // Of one container it starts one at a time: the others are asked for and wait.
  await eventually("the runtime starts one", () => held().length > 0, 60);
  await daemon.kill9();
  await Promise.all(execs);
  writeFileSync(join(folder, "go"), "");
  await eventually("the runtime has started it", () => !held().some(lives));
  await sleep(2000);
  await daemon.launch();
  // With a shim that does not answer, listing tasks alone takes containerd two seconds, and this 30.
  const before = performance.now();
  assert.equal((await daemon.docker("exec", id, "echo", "out")).stdout, "out\n");
  assert.ok(performance.now() - before < 25_000);
  assert.equal((await daemon.docker("rm", "-f", id)).code, 0);
});

const limitOf = "cat /sys/fs/cgroup/memory.max || cat /sys/fs/cgroup/memory/memory.limit_in_bytes";

test("what a hung shim did not answer is followed: frozen, thawed and limited as the record says", async () => {
  await using daemon = await Daemon.start();
  const inspect = async (name: string) => (await daemon.api("GET", `/containers/${name}/json`)).json<Inspected>();
  const post = (path: string, body?: unknown) => daemon.api("POST", `/containers/${path}`, body);
  const names = ["to-pause", "to-unpause", "to-update", "asked"];
  for (const name of names) {
    const { code, stderr } = await daemon.docker("run", "-d", "--network", "none", "--name", name, "busybox", "sleep", "300");
    assert.equal(code, 0, stderr);
  }
  assert.equal((await post("to-unpause/pause")).status, 204);

  const shims = await Promise.all(names.map(async (name) => parentOf((await inspect(name)).State.Pid)));
  const { Id: exec } = (await post("asked/exec", { Cmd: ["true"] })).json<{ Id: string }>();
  for (const shim of shims) sendSignal(shim, "SIGSTOP");
  const answers = await Promise.all([
    post("to-pause/pause"),
    post("to-unpause/unpause"),
    post("to-update/update", { Memory: 64 << 20, MemorySwap: 64 << 20 }),
    daemon.api("GET", "/containers/asked/stats?stream=0"),
    daemon.api("GET", "/containers/asked/stats"),
    daemon.api("POST", `/exec/${exec}/start`, { Detach: true }),
  ]);
  for (const shim of shims) sendSignal(shim, "SIGCONT");
  for (const { status, text } of answers) assert.match(`${status} ${text}`, /^500 .*(did not|does not) answer/);
  assert.match(answers[2]?.text ?? "", /the update is recorded, and put in force as soon as there is an answer/);

  await eventually("the records say what was done", async () => {
    const [paused, unpaused] = await Promise.all([inspect("to-pause"), inspect("to-unpause")]);
    return paused.State.Status === "paused" && unpaused.State.Status === "running";
  });
  assert.equal((await post("to-pause/unpause")).status, 204);
  assert.equal((await post("to-unpause/pause")).status, 204);
  assert.equal((await inspect("to-update")).HostConfig.Memory, 64 << 20);
  await eventually("the limit is in force", async () => {
    const { stdout } = await daemon.docker("exec", "to-update", "sh", "-c", limitOf);
    return stdout.trim() === String(64 << 20);
  });
  for (const name of names) assert.equal((await daemon.docker("rm", "-f", name)).code, 0);
});
