import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ContainerdSupervisor } from "./containerd-supervisor.ts";
import { LogFile } from "./log-file.ts";
import { PidFile } from "./pid-file.ts";
import type { WatchedProcess } from "./watched-process.ts";

interface FakeProcess extends WatchedProcess {
  die(how: string): void;
}

/** No such process exists, so that ending it is ending nothing. */
function fakeProcess(pid: number): FakeProcess {
  const { promise, resolve } = Promise.withResolvers<string>();
  return {
    identity: { pid, startTime: "0", bootId: "none" },
    adopted: false,
    exited: promise,
    unwatch: () => undefined,
    die: resolve,
  };
}

function supervisorWith(launch: () => Promise<WatchedProcess>) {
  const folder = mkdtempSync(join(tmpdir(), "supervisor-"));
  const messages: string[] = [];
  const log = (message: string) => void messages.push(message);
  const first = fakeProcess(1000);
  const supervisor = new ContainerdSupervisor({
    first,
    launch,
    stopping: new AbortController(),
    address: join(folder, "c.sock"),
    logger: { info: log, warn: log, error: log },
    stopTimeoutMs: 100,
    request: { pidFile: new PidFile(join(folder, "pid")), logFile: new LogFile(join(folder, "log"), 1000) },
  });
  const dispose = async () => {
    await supervisor.stop();
    rmSync(folder, { recursive: true });
  };
  return { supervisor, first, messages, dispose };
}

test("a death is followed by a restart, which the listeners hear of after it serves", async () => {
  const second = fakeProcess(1001);
  const setup = supervisorWith(async () => second);
  const heard = Promise.withResolvers<number | undefined>();
  setup.supervisor.onRestarted(() => {
    throw new Error("a listener's own fault");
  });
  setup.supervisor.onRestarted(() => heard.resolve(setup.supervisor.pid));
  setup.first.die("SIGKILL");
  assert.equal(await heard.promise, 1001);
  assert.ok(setup.messages.some((message) => message.includes("pid 1000) ended: SIGKILL")));
  assert.ok(setup.messages.some((message) => message.includes("a listener's own fault")));
  await setup.dispose();
});

test("a restart that fails is tried again, and the pause grows", async () => {
  const attempts: number[] = [];
  const heard = Promise.withResolvers<void>();
  const setup = supervisorWith(async () => {
    attempts.push(performance.now());
    if (attempts.length < 3) throw new Error("no database");
    return fakeProcess(1002);
  });
  setup.supervisor.onRestarted(heard.resolve);
  setup.first.die("exit status 1");
  await heard.promise;
  const [first = 0, second = 0, third = 0] = attempts;
  assert.ok(second - first >= 190 && third - second >= 390, String(attempts));
  assert.equal(setup.messages.filter((message) => message === "no database").length, 2);
  await setup.dispose();
});

test("a stop during the pause starts nothing more", async () => {
  let launched = 0;
  const setup = supervisorWith(async () => {
    launched += 1;
    throw new Error("no database");
  });
  setup.first.die("exit status 1");
  await new Promise((resolve) => void setTimeout(resolve, 150));
  assert.equal(setup.supervisor.pid, undefined);
  await setup.dispose();
  const until = launched;
  await new Promise((resolve) => void setTimeout(resolve, 300));
  assert.equal(launched, until);
});
