import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecCreateConfig } from "@pouchcontainer/api";
import { internal, isKind } from "@pouchcontainer/errors";
import { EngineHarness, eventually, textOf, type Daemon } from "./engine-harness.ts";
import { sendSignal } from "./harness/send-signal.ts";

let harness: EngineHarness;
let daemon: Daemon;
let id: string;

before(async () => {
  harness = await EngineHarness.start();
  daemon = await harness.daemon();
  id = await daemon.create(["sleep", "1000"], { Env: ["FROM=container"], WorkingDir: "/tmp" });
  await daemon.containers.start(id);
});

after(async () => {
  try {
    await daemon.remove(id);
  } finally {
    await daemon.leave();
    await harness.stop();
  }
  assert.deepEqual(daemon.problems, []);
});

async function exec(
  Cmd: string[],
  more: Partial<ExecCreateConfig> = {},
  input?: string,
): Promise<{ output: string; exitCode: number | null }> {
  const { Id } = await daemon.exec.create(id, { Cmd, AttachStdout: true, AttachStderr: true, ...more });
  const session = await daemon.exec.start(Id);
  assert.ok(session);
  session.input?.end(input ?? "");
  const output = await textOf(session.output);
  await eventually("it has ended", async () => !(await daemon.exec.inspect(Id)).Running);
  return { output, exitCode: (await daemon.exec.inspect(Id)).ExitCode };
}

test("a command runs beside the container's own, with its exit code", async () => {
  assert.deepEqual(await exec(["sh", "-c", "echo out; exit 4"]), { output: "out\n", exitCode: 4 });
});

test("environment, folder, user and privileges are the exec's own over the container's", async () => {
  assert.equal((await exec(["sh", "-c", "echo $FROM $MORE; pwd"], { Env: ["MORE=exec"] })).output, "container exec\n/tmp\n");
  assert.match((await exec(["id"], { User: "web" })).output, /^uid=1000\(web\)/);
  assert.equal((await exec(["pwd"], { WorkingDir: "/etc" })).output, "/etc\n");
  const capabilities = async (Privileged: boolean): Promise<string> =>
    (await exec(["sh", "-c", "cat /proc/self/status"], { Privileged })).output.match(/CapEff:\s*(\w+)/)?.[1] ?? "";
  assert.notEqual(await capabilities(true), await capabilities(false));
});

test("what a client types reaches the command, and its end too", async () => {
  assert.deepEqual(await exec(["cat"], { AttachStdin: true }, "typed\n"), { output: "typed\n", exitCode: 0 });
});

test("an exec has a terminal of the size it was given", async () => {
  const { Id } = await daemon.exec.create(id, { Cmd: ["stty", "size"], Tty: true, AttachStdout: true });
  const session = await daemon.exec.start(Id, { consoleSize: { width: 77, height: 22 } });
  assert.ok(session);
  assert.match(await textOf(session.output), /22 77/);
});

test("a detached exec runs on by itself and can be looked at", async () => {
  const { Id } = await daemon.exec.create(id, { Cmd: ["sleep", "100"] });
  await daemon.exec.startDetached(Id);
  const { Running, ExitCode, Pid } = await daemon.exec.inspect(Id);
  assert.deepEqual([Running, ExitCode], [true, null]);
  assert.deepEqual((await daemon.containers.inspect(id, { size: false })).ExecIDs, [Id]);
  await assert.rejects(daemon.exec.startDetached(Id), /is already running/);
  sendSignal(Pid, "SIGKILL");
  await eventually("it has ended", async () => (await daemon.exec.inspect(Id)).ExitCode === 137);
  await assert.rejects(daemon.exec.startDetached(Id), /has already run/);
});

test("a command that does not exist is told in runc's words with code 127, one that cannot run with 126", async () => {
  for (const [command, code, words] of [
    ["nope", 127, /exec: "nope": executable file not found in \$PATH/],
    ["/etc/passwd", 126, /permission denied/],
  ] as const) {
    for (const how of ["start", "startDetached"] as const) {
      const { Id } = await daemon.exec.create(id, { Cmd: [command] });
      await assert.rejects(daemon.exec[how](Id), (error: Error) => {
        assert.ok(isKind(error, "invalidArgument"));
        assert.match(error.message, /^OCI runtime exec failed: /);
        assert.match(error.message, words);
        return true;
      });
      assert.equal((await daemon.exec.inspect(Id)).ExitCode, code);
    }
  }
});

test("execs of containers that do not run, and execs nobody made, are refused with Docker's words", async () => {
  const stopped = await daemon.create(["true"]);
  await assert.rejects(daemon.exec.create(stopped, { Cmd: ["true"] }), new RegExp(`container ${stopped} is not running`));
  await assert.rejects(daemon.exec.inspect("absent"), /No such exec instance: absent/);
  await daemon.remove(stopped);
});

test("an exec that fails because its container ends is told that the container does not run, in whatever words the runtime fails", async (t) => {
  const ended = await daemon.create(["sleep", "1000"]);
  await daemon.containers.start(ended);
  const { Id } = await daemon.exec.create(ended, { Cmd: ["true"] });
  t.mock.method(harness.client.tasks, "start", async () => {
    await harness.client.tasks.kill(ended, { signal: 9, all: true });
    await harness.client.tasks.wait(ended);
    throw internal("OCI runtime exec failed: unable to start container process: write init-p: broken pipe: unknown");
  });
  await assert.rejects(daemon.exec.start(Id), (error) => {
    assert.ok(isKind(error, "conflict"));
    assert.match(error.message, new RegExp(`^container ${ended} is not running$`));
    return true;
  });
  await daemon.remove(ended);
});

test("a pause waits until an exec has started, and an exec that comes later is told of it", async (t) => {
  const { tasks } = harness.client;
  const start = tasks.start.bind(tasks);
  const begun = Promise.withResolvers<void>();
  t.mock.method(tasks, "start", async (...args: Parameters<typeof start>) => {
    begun.resolve();
    await sleep(300);
    return start(...args);
  });
  const [early, late] = await Promise.all([1, 2].map(() => daemon.exec.create(id, { Cmd: ["true"] })));
  assert.ok(early && late);
  const starting = daemon.exec.start(early.Id);
  await begun.promise;
  const pausing = daemon.containers.pause(id);
  await sleep(50);
  await assert.rejects(daemon.exec.start(late.Id), /is paused, unpause the container before exec/);
  await Promise.all([starting, pausing]);
  await daemon.containers.unpause(id);
  await eventually("it has ended", async () => (await daemon.exec.inspect(early.Id)).ExitCode === 0);
});

test("twenty execs at once all end with their own code", async () => {
  const codes = await Promise.all(Array.from({ length: 20 }, async (_, n) => (await exec(["sh", "-c", `exit ${n}`])).exitCode));
  assert.deepEqual(
    codes,
    Array.from({ length: 20 }, (_, n) => n),
  );
});

/** What an exec says, or why it could not be started. */
async function saidBy(id: string): Promise<string> {
  try {
    return (await textOf((await daemon.exec.start(id)).output)).trim();
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message;
  }
}

test("a user's name is looked up in the container's own files, whatever it has made of them, and never in the host's", async () => {
  const named = async (change: string): Promise<string> => {
    const other = await daemon.create(["sh", "-c", `${change}; touch /changed; exec sleep 1000`]);
    await daemon.containers.start(other);
    await eventually("the files are changed", async () => {
      const { Id } = await daemon.exec.create(other, { Cmd: ["test", "-e", "/changed"] });
      await daemon.exec.startDetached(Id);
      await eventually("it has ended", async () => !(await daemon.exec.inspect(Id)).Running);
      return (await daemon.exec.inspect(Id)).ExitCode === 0;
    });
    const { Id } = await daemon.exec.create(other, { Cmd: ["id", "-u"], User: "web", AttachStdout: true });
    const said = await saidBy(Id);
    await daemon.remove(other);
    return said;
  };
  const entry = "web:x:77:77::/:/bin/sh";
  assert.equal(await named(`mv /etc /moved; mkdir /etc; echo ${entry} >/etc/passwd`), "77");
  assert.equal(await named(`mv /etc /moved; ln -s moved /etc; echo ${entry} >/moved/passwd`), "77");
  for (const change of [
    "rm /etc/passwd; ln -s /proc/1/root/etc/passwd /etc/passwd",
    "rm /etc/passwd; ln -s ../../../../../../../etc/passwd /etc/passwd",
    "rm /etc/passwd; ln -s passwd /etc/passwd",
    "rm /etc/passwd; truncate -s 1T /etc/passwd",
    "rm -r /etc",
  ])
    assert.match(await named(change), /unable to find user web: no matching entries in passwd file$/, change);
});

test("what is mounted over the container's list of users does not count, as with dockerd", async () => {
  const list = join(harness.root, "passwd");
  writeFileSync(list, "web:x:88:88::/:/bin/sh\nmounted:x:89:89::/:/bin/sh\n");
  const other = await daemon.create(["sleep", "1000"], { HostConfig: { Binds: [`${list}:/etc/passwd`] } });
  await daemon.containers.start(other);
  for (const [User, answer] of [
    ["web", /^1000$/],
    ["mounted", /unable to find user mounted: no matching entries in passwd file/],
  ] as const) {
    const { Id } = await daemon.exec.create(other, { Cmd: ["id", "-u"], User, AttachStdout: true });
    assert.match(await saidBy(Id), answer);
  }
  await daemon.remove(other);
});

test("an exec whose list of groups never ends takes memory of its container alone, and goes with it", async () => {
  const limit = 64 << 20;
  const other = await daemon.create(["sh", "-c", "ln -sf /dev/zero /etc/group; echo ready; sleep 1000"], {
    HostConfig: { Memory: limit, MemorySwap: limit },
  });
  await daemon.containers.start(other);
  await eventually("its list of groups never ends", async () => (await daemon.logs(other)).includes("ready"));
  const v1 = existsSync("/sys/fs/cgroup/memory");
  const memory = join("/sys/fs/cgroup", v1 ? "memory" : "", "pouch-it", other);
  const most = (): number => Number(readFileSync(join(memory, v1 ? "memory.max_usage_in_bytes" : "memory.peak"), "utf8"));
  const kills = (): number =>
    Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(memory, v1 ? "memory.oom_control" : "memory.events"), "utf8"))?.[1]);
  assert.ok(most() < limit / 2, `${most()} bytes before it`);
  // The daemon of these tests is this process.
  const residentBefore = process.memoryUsage.rss();
  const { Id } = await daemon.exec.create(other, { Cmd: ["true"], AttachStdout: true });
  // The kernel ends runc's part of it at the container's limit: in its start, or as an exit of the command that never began.
  const ended = daemon.exec
    .start(Id)
    .then(async (session) => {
      if (session) await textOf(session.output);
      return (await daemon.exec.inspect(Id)).ExitCode !== 0;
    })
    .catch(() => true);
  assert.equal(await ended, true);
  assert.ok(most() > limit * 0.9, `the container's memory was ${most()} bytes at most`);
  assert.ok(kills() > 0, "the kernel ended nothing in the container");
  const grown = process.memoryUsage.rss() - residentBefore;
  assert.ok(grown < limit, `the daemon grew by ${grown} bytes`);
  await daemon.remove(other);
});
