import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import type { FilesystemChange } from "@pouchcontainer/api";
import { internal, isKind } from "@pouchcontainer/errors";
import { EngineHarness, eventually, textOf, type Daemon } from "./engine-harness.ts";
import { sendSignal } from "./harness/send-signal.ts";

let harness: EngineHarness;
let daemon: Daemon;

before(async () => {
  harness = await EngineHarness.start();
  daemon = await harness.daemon();
  daemon.recordEvents();
});

after(async () => {
  let leftovers: unknown;
  try {
    for (const { Id } of await daemon.containers.list({ all: true, size: false, filters: {} })) await daemon.remove(Id);
    leftovers = await harness.leftovers();
  } finally {
    await daemon.leave();
    await harness.stop();
  }
  assert.deepEqual(leftovers, []);
});

test("a container runs, its exit code and output are there, and nothing is left of it", async () => {
  const { id, exitCode, output } = await daemon.run(["sh", "-c", "echo out; echo err >&2; exit 3"]);
  assert.equal(exitCode, 3);
  assert.match(output, /out\n/);
  assert.match(output, /err\n/);
  const { State } = await daemon.containers.inspect(id, { size: false });
  assert.equal(State.Status, "exited");
  assert.equal(State.ExitCode, 3);
  await daemon.remove(id);
  assert.deepEqual(await harness.leftovers(), []);
  assert.equal(existsSync(join(harness.root, "home/containers", id)), false);
  assert.equal(existsSync(join(harness.root, "exec/containers", id)), false);
  assert.deepEqual(daemon.pastEvents(id), ["create", "start", "die", "destroy"]);
});

test("attached before the start, a client gets everything from the first byte and feeds stdin", async () => {
  const id = await daemon.create(["cat"], { OpenStdin: true, StdinOnce: true });
  const session = await daemon.containers.attach(id, { stdin: true, stdout: true, stderr: true, logs: false, stream: true });
  const output = textOf(session.output);
  session.input?.end("typed before the start\n");
  await daemon.containers.start(id);
  assert.equal(await output, "typed before the start\n");
  assert.equal(await daemon.waitFor(id), 0);
  await daemon.remove(id);
});

test("an input that ended before the start, with nothing in it, ends for the process too", async () => {
  const id = await daemon.create(["sh", "-c", "cat; echo after the end"], { OpenStdin: true, StdinOnce: true });
  const session = await daemon.containers.attach(id, { stdin: true, stdout: true, stderr: true, logs: false, stream: true });
  const output = textOf(session.output);
  session.input?.end();
  await delay(50);
  await daemon.containers.start(id);
  assert.equal(await output, "after the end\n");
  assert.equal(await daemon.waitFor(id), 0);
  await daemon.remove(id);
});

test("the end of a client's input that comes after its run is not one for the next run", async () => {
  const script = "if [ -e /again ]; then cat; else : > /again; fi";
  const id = await daemon.create(["sh", "-c", script], { OpenStdin: true, StdinOnce: true });
  const attach = () => daemon.containers.attach(id, { stdin: true, stdout: true, stderr: true, logs: false, stream: true });
  const first = await attach();
  await daemon.containers.start(id);
  assert.equal(await textOf(first.output), "");
  assert.equal(await daemon.waitFor(id), 0);
  first.input?.end();
  await delay(50);
  const second = await attach();
  const output = textOf(second.output);
  await daemon.containers.start(id);
  await delay(200);
  second.input?.end("typed into the second run\n");
  assert.equal(await output, "typed into the second run\n");
  assert.equal(await daemon.waitFor(id), 0);
  await daemon.remove(id);
});

test("stdin stays open when a client goes, and two clients see the same", async () => {
  const id = await daemon.create(["cat"], { OpenStdin: true });
  await daemon.containers.start(id);
  const attach = () => daemon.containers.attach(id, { stdin: true, stdout: true, stderr: true, logs: false, stream: true });
  const [one, two] = [await attach(), await attach()];
  const [first, second] = [one.output[Symbol.asyncIterator](), textOf(two.output)];
  one.input?.write("hello\n");
  assert.equal(Buffer.from((await first.next()).value?.data ?? []).toString(), "hello\n");
  one.close();
  two.input?.write("again\n");
  await eventually("the log has both lines", async () => (await daemon.logs(id)) === "hello\nagain\n");
  await daemon.containers.kill(id, {});
  assert.equal(await second, "hello\nagain\n");
  assert.equal(await daemon.waitFor(id), 137);
  await daemon.remove(id);
});

test("a terminal has a size, and its detach keys let go of it", async () => {
  const id = await daemon.create(["sh", "-c", "read x; stty size; cat"], { Tty: true, OpenStdin: true });
  const session = await daemon.containers.attach(id, { stdin: true, stdout: true, stderr: true, logs: false, stream: true });
  const output = textOf(session.output);
  await daemon.containers.start(id);
  await daemon.containers.resize(id, { width: 91, height: 33 });
  session.input?.write("go\n");
  await eventually("the size is printed", async () => /33 91/.test(await daemon.logs(id)));
  session.input?.write(Buffer.from([16, 17]));
  assert.match(await output, /33 91/);
  assert.equal((await daemon.containers.inspect(id, { size: false })).State.Running, true);
  await daemon.remove(id);
});

for (const [what, command, code, words] of [
  ["a command that does not exist", ["nope"], 127, /exec: "nope": executable file not found in \$PATH/],
  ["a command without a name", [""], 127, /exec: "": executable file not found in \$PATH/],
  ["a file that is not executable", ["/etc/passwd"], 126, /permission denied/],
] as const) {
  test(`${what} fails the start with dockerd's message and code ${code}`, async () => {
    const id = await daemon.create([...command]);
    await assert.rejects(daemon.containers.start(id), (error: Error) => {
      assert.ok(isKind(error, "invalidArgument"));
      assert.match(
        error.message,
        /^failed to create task for container: failed to create shim task: OCI runtime create failed: /,
      );
      assert.match(error.message, words);
      return true;
    });
    const { State } = await daemon.containers.inspect(id, { size: false });
    assert.deepEqual([State.Status, State.ExitCode], ["created", code]);
    assert.deepEqual(await harness.client.tasks.list(), []);
    await daemon.remove(id);
    assert.deepEqual(await harness.leftovers(), []);
  });
}

test("names, images and ids are refused with Docker's words, and nothing is allocated", async () => {
  const id = await daemon.create(["true"], { Name: "taken" });
  await assert.rejects(
    daemon.create(["true"], { Name: "taken" }),
    new RegExp(`^EngineError: Conflict. The container name "/taken" is already in use by container "${id}". You have to remove`),
  );
  await assert.rejects(daemon.create(["true"], { Image: "absent" }), /No such image: absent/);
  await assert.rejects(daemon.create(["true"], { Name: "a/b" }), /Invalid container name \(a\/b\)/);
  await assert.rejects(daemon.containers.start("absent"), /No such container: absent/);
  await daemon.remove("taken");
  assert.deepEqual(await harness.leftovers(), []);
});

test("stop asks first and kills after the timeout", async () => {
  const deaf = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"];
  const id = await daemon.create(deaf);
  await daemon.containers.start(id);
  await eventually("the trap is set", async () => (await daemon.logs(id)) === "ready\n");
  await daemon.containers.stop(id, { timeoutSeconds: 1 });
  assert.equal((await daemon.containers.inspect(id, { size: false })).State.ExitCode, 137);
  assert.deepEqual(daemon.pastEvents(id), ["create", "start", "kill", "kill", "die", "stop"]);
  await assert.rejects(daemon.containers.stop(id, {}), (error) => isKind(error, "notModified"));
  await daemon.remove(id);
});

test("pause freezes, unpause thaws, and exec into a paused container is refused", async () => {
  const id = await daemon.create(["sleep", "100"]);
  await daemon.containers.start(id);
  await daemon.containers.pause(id);
  assert.equal((await daemon.containers.inspect(id, { size: false })).State.Status, "paused");
  await assert.rejects(daemon.exec.create(id, { Cmd: ["true"] }), /is paused, unpause the container before exec/);
  await daemon.containers.unpause(id);
  await daemon.remove(id);
});

test("of a process that ends under a call it is said that it does not run", async () => {
  const id = await daemon.create(["sleep", "100"]);
  const told = new Set<string>();
  for (let round = 0; round < 6; round++) {
    await daemon.containers.start(id);
    const { Pid } = (await daemon.containers.inspect(id, { size: false })).State;
    const exec = await daemon.exec.create(id, { Cmd: ["true"] });
    sendSignal(Pid, "SIGKILL");
    const calls = [
      daemon.containers.pause(id).then(() => daemon.containers.unpause(id)),
      daemon.containers.update(id, Readable.from([JSON.stringify({ CpuShares: 512 + round })])),
      daemon.exec.startDetached(exec.Id),
      daemon.containers.top(id, ""),
    ];
    for (const outcome of await Promise.allSettled(calls))
      if (outcome.status === "rejected") told.add(`${outcome.reason.kind}: ${outcome.reason.message.replaceAll(id, "ID")}`);
    await daemon.containers.wait(id, "not-running", AbortSignal.timeout(10_000)).result;
  }
  // Frozen with the signal on its way, it is paused until it is thawed.
  const expected = [
    "conflict: container ID is not running",
    "internal: Container ID is not paused",
    "conflict: Container ID is paused, unpause the container before exec",
  ];
  assert.deepEqual(
    [...told].filter((text) => !expected.includes(text)),
    [],
  );
  await daemon.remove(id);
});

test("that holds whatever words the runtime has for it", async (t) => {
  const { tasks } = harness.client;
  const id = await daemon.create(["sleep", "100"], { Tty: true });
  const calls = {
    pause: () => daemon.containers.pause(id),
    listPids: () => daemon.containers.top(id, ""),
    resizePty: () => daemon.containers.resize(id, { width: 80, height: 25 }),
  };
  for (const [method, call] of Object.entries(calls)) {
    await daemon.containers.start(id);
    const mocked = t.mock.method(tasks, method as keyof typeof calls, async () => {
      await tasks.kill(id, { signal: 9, all: true });
      await tasks.wait(id);
      throw internal("runc did not terminate successfully: exit status 1: container does not exist: unknown");
    });
    await assert.rejects(call(), { message: `container ${id} is not running` }, method);
    mocked.mock.restore();
    await daemon.containers.wait(id, "not-running", AbortSignal.timeout(10_000)).result;
  }
  await daemon.remove(id);
});

test("a paused container can be killed, stopped, restarted and removed", async () => {
  const paused = async (command: string[], said = ""): Promise<string> => {
    const id = await daemon.create(command);
    await daemon.containers.start(id);
    await eventually("it is ready", async () => (await daemon.logs(id)).includes(said));
    await daemon.containers.pause(id);
    return id;
  };
  const state = async (id: string): Promise<unknown[]> => {
    const { State } = await daemon.containers.inspect(id, { size: false });
    return [State.Status, State.Paused, State.ExitCode];
  };
  const events = (id: string): string[] => daemon.pastEvents(id).slice(3);
  const sleeper = ["sleep", "100"];
  const obeying = ["sh", "-c", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done"];
  for (let round = 0; round < 3; round++) {
    const id = await paused(sleeper);
    await daemon.containers.kill(id);
    assert.deepEqual(await state(id), ["exited", false, 137]);
    assert.deepEqual(events(id), ["kill", "die"]);
    await daemon.containers.start(id);
    await daemon.containers.pause(id);
    await daemon.remove(id);
    assert.equal(daemon.pastEvents(id).at(-1), "destroy");
  }
  const stopped = await paused(obeying, "ready");
  await daemon.containers.stop(stopped);
  assert.deepEqual(await state(stopped), ["exited", false, 3]);
  assert.deepEqual(events(stopped), ["kill", "unpause", "die", "stop"]);
  const stubborn = await paused(sleeper);
  await daemon.containers.restart(stubborn, { timeoutSeconds: 0 });
  assert.deepEqual(await state(stubborn), ["running", false, 0]);
  assert.deepEqual(events(stubborn), ["kill", "unpause", "kill", "die", "stop", "start", "restart"]);
  await Promise.all([stopped, stubborn].map((id) => daemon.remove(id)));
});

test("after a signal no policy starts a container again, unless it has a stop signal and that was another one", async () => {
  const command = ["sh", "-c", "trap 'exit 3' HUP; echo ready; while :; do sleep 0.05; done"];
  const RestartPolicy = { Name: "always" };
  const [ended, goesOn] = [
    await daemon.create(command, { HostConfig: { RestartPolicy } }),
    await daemon.create(command, { HostConfig: { RestartPolicy }, StopSignal: "SIGTERM" }),
  ];
  for (const id of [ended, goesOn]) {
    await daemon.containers.start(id);
    await eventually("it is ready", async () => (await daemon.logs(id)).includes("ready"));
    await daemon.containers.kill(id, { signal: "HUP" });
    await eventually("it has ended", () => daemon.pastEvents(id).includes("die"));
  }
  await eventually("it runs again", async () => (await daemon.containers.inspect(goesOn, { size: false })).RestartCount === 1);
  assert.equal((await daemon.containers.inspect(ended, { size: false })).State.Status, "exited");
  await Promise.all([ended, goesOn].map((id) => daemon.remove(id)));
});

test("a start that waits for one by policy, which fails, is a start", async () => {
  const id = await daemon.create(["sh", "-c", "test -e /again || { touch /again; exit 1; }; sleep 100"], {
    HostConfig: { RestartPolicy: { Name: "on-failure" } },
  });
  const begun = join(harness.root, "policy-start");
  const script = `touch ${begun}; sleep 1; exit 1`;
  const over = daemon.waitFor(id, "next-exit");
  await daemon.containers.start(id);
  daemon.around.hooks = [{ priority: -1, args: ["/bin/sh", "-c", script], timeoutSeconds: 30, plugin: "failing" }];
  try {
    await over;
    await eventually("the policy's start has begun", () => existsSync(begun));
    daemon.around.hooks = [];
    await daemon.containers.start(id);
  } finally {
    daemon.around.hooks = [];
  }
  assert.equal((await daemon.containers.inspect(id, { size: false })).State.Status, "running");
  assert.match(daemon.problems.splice(0).join("\n"), /^a container could not be restarted .*its hook \/bin\/sh failed[^\n]*$/);
  await daemon.remove(id);
});

test("a restart that is due is called off by stop and kill, changed by no start, and its delay begins anew by hand", async () => {
  const id = await daemon.create(["sh", "-c", "exit 1"], { HostConfig: { RestartPolicy: { Name: "always" } } });
  const look = async () => daemon.containers.inspect(id, { size: false });
  const delayMs = (): number => daemon.containers.room.registry.require(id).restartDelayMs;
  // It doubles with each restart; the count goes ahead of it.
  const longestMs = (): number => 100 * 2 ** (daemon.containers.room.registry.require(id).record.restartCount - 1);
  const waits = async (longerThanMs: number): Promise<void> =>
    eventually(`it waits more than ${longerThanMs} ms for its restart`, async () => {
      return (await look()).State.Status === "restarting" && delayMs() > longerThanMs;
    });
  await daemon.containers.start(id);
  await waits(300);
  await assert.rejects(daemon.containers.start(id), (error) => isKind(error, "notModified"));
  const over = daemon.waitFor(id);
  await daemon.containers.kill(id);
  assert.equal(await over, 1);
  assert.equal((await look()).State.Status, "exited");
  await daemon.containers.start(id);
  await waits(0);
  assert.ok(delayMs() <= longestMs(), `${delayMs()} ms of ${longestMs()} ms`);
  await daemon.containers.stop(id);
  assert.equal((await look()).State.Status, "exited");
  await daemon.remove(id);
});

test("a restart policy starts a failing container again, as often as it says", async () => {
  const id = await daemon.create(["sh", "-c", "echo try; exit 2"], {
    HostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 } },
  });
  await daemon.containers.start(id);
  await eventually("it has given up", async () => {
    const { State, RestartCount } = await daemon.containers.inspect(id, { size: false });
    return State.Status === "exited" && RestartCount === 2;
  });
  assert.equal(await daemon.logs(id), "try\ntry\ntry\n");
  await daemon.remove(id);
});

test("--rm takes the container away after its exit", async () => {
  const id = await daemon.create(["true"], { HostConfig: { AutoRemove: true } });
  const removed = daemon.waitFor(id, "removed");
  await daemon.containers.start(id);
  assert.equal(await removed, 0);
  await assert.rejects(daemon.containers.inspect(id, { size: false }), /No such container/);
  assert.deepEqual(await harness.leftovers(), []);
});

test("--rm takes the container away when it could not start", async () => {
  const id = await daemon.create(["nope"], { HostConfig: { AutoRemove: true } });
  const removed = daemon.waitFor(id, "removed");
  await assert.rejects(daemon.containers.start(id), /executable file not found/);
  assert.equal(await removed, 127);
  assert.deepEqual(await harness.leftovers(), []);
});

test("users are looked up in the container's own files", async () => {
  const { id, output } = await daemon.run(["id"], { User: "web" });
  assert.match(output, /uid=1000\(web\) gid=1001\(webs\) groups=1001\(webs\),2000\(extra\)/);
  await daemon.remove(id);
});

test("a memory limit is in force, can be changed while it runs, and a kill for it is told", async () => {
  const id = await daemon.create(["sleep", "100"], { HostConfig: { Memory: 32 << 20 } });
  await daemon.containers.start(id);
  await daemon.containers.update(id, Readable.from([JSON.stringify({ Memory: 48 << 20, MemorySwap: 48 << 20 })]));
  const { HostConfig } = await daemon.containers.inspect(id, { size: false });
  assert.equal(HostConfig.Memory, 48 << 20);
  for await (const stats of daemon.containers.stats(id, { stream: false, oneShot: true }, new AbortController().signal))
    assert.equal(stats.memory_stats.limit, 48 << 20);
  await daemon.remove(id);
  const hungry = await daemon.run(["tail", "-c", "200m", "/dev/zero"], {
    HostConfig: { Memory: 16 << 20, MemorySwap: 16 << 20 },
  });
  assert.equal(hungry.exitCode, 137);
  assert.equal((await daemon.containers.inspect(hungry.id, { size: false })).State.OOMKilled, true);
  await daemon.remove(hungry.id);
});

test("files go in and out of containers that run and of those that do not, links staying inside", async () => {
  const id = await daemon.create(["sleep", "100"]);
  const { tar: seed, stat } = await daemon.containers.archiveGet(id, "/data");
  assert.equal(stat.name, "data");
  const archive = await buffer(seed);
  for (const running of [false, true]) {
    if (running) await daemon.containers.start(id);
    await daemon.containers.archivePut(id, "/tmp", Readable.from([archive]), { noOverwriteDirNonDir: false, copyUidGid: false });
    const { tar } = await daemon.containers.archiveGet(id, "/tmp/data/seed");
    assert.equal(execFileSync("tar", ["-xO", "seed"], { input: await buffer(tar), encoding: "utf8" }), "from the image\n");
    await assert.rejects(daemon.containers.archiveGet(id, "/absent"), /Could not find the file \/absent in container/);
  }
  assert.equal((await daemon.containers.archiveStat(id, "/bin/sh")).linkTarget, "/bin/busybox");
  const { count, json } = await daemon.containers.changes(id, new AbortController().signal);
  const changes = JSON.parse(await text(json)) as FilesystemChange[];
  assert.equal(changes.length, count);
  assert.deepEqual(
    changes.filter(({ Path }) => Path.startsWith("/tmp")),
    [
      { Path: "/tmp", Kind: 0 },
      { Path: "/tmp/data", Kind: 1 },
      { Path: "/tmp/data/seed", Kind: 1 },
    ],
  );
  const whole = await buffer(await daemon.containers.exportFilesystem(id));
  const names = execFileSync("tar", ["-t"], { input: whole, encoding: "utf8" });
  assert.match(names, /^etc\/passwd$/m);
  assert.match(names, /^proc\/$/m);
  assert.doesNotMatch(names, /^proc\/./m);
  await daemon.remove(id);
  assert.equal(readFileSync("/proc/self/mountinfo", "utf8").includes(join(harness.root, "exec")), false);
});

test("binds are mounted, and an anonymous volume goes with the last container that has it", async () => {
  const source = join(harness.root, "source");
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, "file"), "bound\n");
  const { id, output } = await daemon.run(["sh", "-c", "cat /bound/file; cat /data/seed; echo x >/data/new"], {
    HostConfig: { Binds: [`${source}:/bound:ro`] },
    Volumes: { "/data": {} },
  });
  assert.equal(output, "bound\nfrom the image\n");
  const heir = await daemon.create(["true"], { HostConfig: { VolumesFrom: [id] } });
  await daemon.remove(id);
  assert.equal(readdirSync(join(harness.root, "home/volumes")).length, 1);
  await daemon.remove(heir);
  assert.equal(readdirSync(join(harness.root, "home/volumes")).length, 0);
});

test("a subpath of a volume is mounted, through links inside the volume only, and its place is gone after the start", async () => {
  const Mounts = (Subpath: string) => [{ Type: "volume" as const, Source: "parts", Target: "/part", VolumeOptions: { Subpath } }];
  const fill =
    "mkdir -p /v/folder; echo inside >/v/folder/file; ln -s /folder /v/absolute; ln -s ../../../../../../folder /v/upwards";
  const { id: filled } = await daemon.run(["sh", "-c", `${fill}; ln -s /etc /v/etc`], { HostConfig: { Binds: ["parts:/v"] } });
  for (const path of ["folder", "absolute", "upwards"]) {
    const { id, output } = await daemon.run(["cat", "/part/file"], { HostConfig: { Mounts: Mounts(path) } });
    assert.equal(output, "inside\n");
    await daemon.remove(id);
  }
  const { id, output } = await daemon.run(["cat", "/part"], { HostConfig: { Mounts: Mounts("folder/file") } });
  assert.equal(output, "inside\n", "of a file");
  await daemon.remove(id);
  for (const absent of ["nothing", "etc/passwd", "folder/file/x"]) {
    const refused = await daemon.create(["true"], { HostConfig: { Mounts: Mounts(absent) } });
    await assert.rejects(daemon.containers.start(refused), { message: `no such file or directory in volume parts: ${absent}` });
    await daemon.remove(refused);
  }
  const running = await daemon.create(["sleep", "1000"], { HostConfig: { Mounts: Mounts("folder") } });
  await daemon.containers.start(running);
  assert.doesNotMatch(readFileSync("/proc/self/mountinfo", "utf8"), new RegExp(`${harness.root}.*subpath`));
  await daemon.remove(running);
  await daemon.remove(filled);
});

test("hooks of plugins run around the network by their priority", async () => {
  const trail = join(harness.root, "trail");
  const hook = (name: string, priority: number) => ({
    priority,
    args: ["/bin/sh", "-c", `echo ${name} >>${trail}`],
    timeoutSeconds: 10,
    plugin: "test",
  });
  daemon.around.hooks = [hook("before", 5), hook("after", -5)];
  const id = await daemon.create(["true"]);
  const exited = daemon.waitFor(id, "next-exit");
  await daemon.containers.start(id);
  await exited;
  assert.equal(readFileSync(trail, "utf8"), "before\nafter\n");
  assert.deepEqual(daemon.around.connected, [id]);

  daemon.around.connectError = new Error("no such bridge");
  await eventually("the first run is cleaned up", async () =>
    (await harness.client.tasks.list()).every(({ containerId }) => containerId !== id),
  );
  await assert.rejects(daemon.containers.start(id), /no such bridge/);
  daemon.around.connectError = undefined;
  daemon.around.hooks = [];
  await daemon.remove(id);
});

test("a hook that does not end is ended by its time, and its plugin is named", async () => {
  const id = await daemon.create(["true"]);
  daemon.around.hooks = [{ priority: -1, args: ["/bin/sleep", "611"], timeoutSeconds: 1, plugin: "slow" }];
  await assert.rejects(daemon.containers.start(id), {
    kind: "internal",
    message: /plugin "slow" at container.preStart: its hook \/bin\/sleep failed: .*ran past specified timeout/,
  });
  daemon.around.hooks = [];
  await daemon.remove(id);
});

test("a hook is over when it has ended, whoever it left holds its output", async () => {
  const id = await daemon.create(["true"]);
  const kept = join(harness.root, "left-by-hook");
  const script = `sleep 612 & echo $! >${kept}`;
  daemon.around.hooks = [{ priority: -1, args: ["/bin/sh", "-c", script], timeoutSeconds: 30, plugin: "forking" }];
  try {
    const exited = daemon.waitFor(id, "next-exit");
    // A start that waited for the hook's child would fail by the hook's time.
    await daemon.containers.start(id);
    await exited;
  } finally {
    daemon.around.hooks = [];
    sendSignal(Number(readFileSync(kept, "utf8")), "SIGKILL");
    await daemon.remove(id);
  }
});

/** What is dead and waits for init to notice does not run. */
function runs(pid: string): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

test("a hook that does not end in its time is ended with everything it began", async () => {
  const id = await daemon.create(["true"]);
  const began = join(harness.root, "begun-by-hook");
  const script = `sleep 613 & echo $! >>${began}; setsid sleep 614 & echo $! >>${began}; sleep 615`;
  daemon.around.hooks = [{ priority: -1, args: ["/bin/sh", "-c", script], timeoutSeconds: 1, plugin: "slow" }];
  await assert.rejects(daemon.containers.start(id), {
    kind: "internal",
    message: /plugin "slow" at container.preStart: its hook \/bin\/sh failed: .*ran past specified timeout/,
  });
  daemon.around.hooks = [];
  for (const pid of readFileSync(began, "utf8").trim().split("\n")) assert.equal(runs(pid), false, `${pid} is left`);
  await daemon.remove(id);
});

test("a forced removal does not wait for a hook that takes its time", async () => {
  const id = await daemon.create(["true"]);
  const began = join(harness.root, "slow-hook");
  daemon.around.hooks = [
    {
      priority: -1,
      args: ["/bin/sh", "-c", `setsid sleep 618 & echo $! $$ >${began}; sleep 617`],
      timeoutSeconds: 300,
      plugin: "slow",
    },
  ];
  try {
    const start = assert.rejects(daemon.containers.start(id), { kind: "conflict", message: /marked for removal/ });
    await eventually("the hook runs", () => existsSync(began) && readFileSync(began, "utf8") !== "");
    const pids = readFileSync(began, "utf8").trim().split(" ");
    await daemon.remove(id);
    await start;
    for (const pid of pids) assert.equal(runs(pid), false, `${pid} is left`);
    await eventually("everything is gone", async () => (await harness.leftovers()).length === 0);
  } finally {
    daemon.around.hooks = [];
  }
});

test("who waits for the end of a container whose start fails is answered when it goes", async () => {
  const id = await daemon.create(["/no/such/program"]);
  const answers: string[] = [];
  const waits = (["next-exit", "removed"] as const).map(async (condition) => {
    answers.push(`${condition} ${await daemon.waitFor(id, condition)}`);
  });
  await assert.rejects(daemon.containers.start(id), /no such file or directory/);
  await delay(300);
  assert.deepEqual(answers, []);
  await daemon.remove(id);
  await Promise.all(waits);
  assert.deepEqual(answers.toSorted(), ["next-exit 127", "removed 127"]);
});

test("starts and forced removals of one container in any order leave nothing", async () => {
  for (const firstIsStart of [true, false]) {
    const id = await daemon.create(["sleep", "100"], { Name: "contested" });
    const attempts = Array.from({ length: 40 }, async (_, n) => {
      await delay((n % 5) * 15);
      await (n % 2 === Number(firstIsStart) ? daemon.remove(id) : daemon.containers.start(id));
    });
    for (const result of await Promise.allSettled(attempts))
      if (result.status === "rejected")
        assert.ok(isKind(result.reason, "conflict", "notFound", "notModified"), String(result.reason));
    await eventually("everything is gone", async () => (await harness.leftovers()).length === 0);
    assert.equal(existsSync(join(harness.root, "exec/containers", id)), false);
  }
  await daemon.remove(await daemon.create(["true"], { Name: "contested" }));
});

test("the folder of a container goes when nobody works on its networks any more, who write into it", async () => {
  const id = await daemon.create(["true"]);
  const folder = join(harness.root, "home/containers", id);
  const { forget } = daemon.around;
  daemon.around.forget = async () => {
    await delay(200);
    writeFileSync(join(folder, "hosts"), "127.0.0.1 localhost\n");
  };
  try {
    await daemon.containers.remove(id, { force: false, volumes: false, link: false });
  } finally {
    daemon.around.forget = forget;
  }
  assert.equal(existsSync(folder), false);
});

test("a renamed container answers to its new name only", async () => {
  const id = await daemon.create(["true"], { Name: "before" });
  await daemon.containers.rename(id, "after");
  assert.equal((await daemon.containers.inspect("after", { size: false })).Name, "/after");
  await assert.rejects(daemon.containers.inspect("before", { size: false }), /No such container: before/);
  await daemon.remove("after");
});

test("a container is found when it is made, and can be started from then on", async () => {
  const startAsSoonAsItIsThere = async (name: string): Promise<void> => {
    for (;;)
      try {
        return await daemon.containers.start(name);
      } catch (error) {
        assert.match(String(error), /No such container: early/);
        await nextTurn();
      }
  };
  for (let round = 0; round < 10; round++) {
    await Promise.all([daemon.create(["sleep", "100"], { Name: "early" }), startAsSoonAsItIsThere("early")]);
    await daemon.remove("early");
  }
});

test("a probe that takes too long is told apart from one that fails, and is killed with its output", async () => {
  const probes = { "sleep 101": "", "sleep 102 & echo x": ": x\n" };
  for (const [probe, said] of Object.entries(probes)) {
    const Healthcheck = { Test: ["CMD-SHELL", probe], Interval: 100_000_000, Timeout: 2_000_000_000, Retries: 1 };
    const id = await daemon.create(["sleep", "100"], { Healthcheck });
    await daemon.containers.start(id);
    await eventually("it is unhealthy", async () => {
      const { State } = await daemon.containers.inspect(id, { size: false });
      if (State.Health?.Status !== "unhealthy") return false;
      const { ExitCode, Output } = State.Health.Log?.[0] ?? {};
      assert.deepEqual([ExitCode, Output], [-1, `Health check exceeded timeout (2s)${said}`]);
      return true;
    });
    await daemon.remove(id);
  }
});

test("a health check makes a container healthy", async () => {
  const id = await daemon.create(["sleep", "100"], { Healthcheck: { Test: ["CMD-SHELL", "echo fine"], Interval: 200_000_000 } });
  await daemon.containers.start(id);
  await eventually(
    "it is healthy",
    async () => (await daemon.containers.inspect(id, { size: false })).State.Health?.Status === "healthy",
  );
  assert.equal((await daemon.containers.inspect(id, { size: false })).State.Health?.Log[0]?.Output, "fine\n");
  await daemon.remove(id);
});

test("as with dockerd a container is unhealthy while it is frozen and after its end, and no event says so", async () => {
  const Healthcheck = { Test: ["CMD-SHELL", "echo fine"], Interval: 100_000_000 };
  const id = await daemon.create(["sh", "-c", "trap : HUP; while :; do sleep 0.05; done"], { Healthcheck });
  const health = async (): Promise<string | undefined> =>
    (await daemon.containers.inspect(id, { size: false })).State.Health?.Status;
  const healthy = () => eventually("it is healthy", async () => (await health()) === "healthy");
  await daemon.containers.start(id);
  for (const thaw of [() => daemon.containers.unpause(id), () => daemon.containers.kill(id, { signal: "HUP" })]) {
    await healthy();
    await daemon.containers.pause(id);
    await delay(300);
    assert.equal(await health(), "unhealthy");
    await thaw();
    await healthy();
  }
  await daemon.containers.stop(id, { timeoutSeconds: 0 });
  assert.equal(await health(), "unhealthy");
  await daemon.containers.start(id);
  await healthy();
  const told = daemon.pastEvents(id).filter((action) => action.startsWith("health_status"));
  assert.deepEqual(told, [
    "health_status: healthy",
    "health_status: healthy",
    "health_status: healthy",
    "health_status: healthy",
  ]);
  await daemon.remove(id);
});

test("nothing unexpected was logged", () => {
  assert.deepEqual(daemon.problems, []);
});
