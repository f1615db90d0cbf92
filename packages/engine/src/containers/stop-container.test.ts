import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { internal, isKind, unavailable } from "@pouchcontainer/errors";
import { Container } from "./container.ts";
import { ContainerRun } from "./container-run.ts";
import type { ContainerRoom } from "./container-room.ts";
import { pauseContainer } from "./pause-container.ts";
import { sampleRecord } from "./spec/sample-record.ts";
import { killContainer } from "./kill-container.ts";
import { killSignal } from "./send-signal.ts";
import { stopContainer } from "./stop-container.ts";
import type { ProcessStdio } from "./stdio/process-stdio.ts";

interface Situation {
  status?: "running" | "paused" | "exited" | "restarting";
  stopSignal?: string;
  /** How many signals do not reach containerd, after how many that do. */
  outage?: { from: number; count: number };
  /** What a thaw answers; default: it is done. */
  resume?: () => Promise<void>;
}

/** A container whose process ends on the signals it obeys. */
function running(obeys: number[], { status = "running", stopSignal = "", resume, outage }: Situation = {}) {
  const record = sampleRecord();
  const container = new Container(
    { ...record, config: { ...record.config, StopSignal: stopSignal }, state: { ...record.state, status } },
    {
      records: { put: () => Promise.resolve() },
      roots: { containers: "/home", exec: "/run" },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    },
  );
  // Stopping looks at the exit alone; the streams of a run are not touched.
  const run = new ContainerRun({} as ProcessStdio, undefined);
  if (status === "running" || status === "paused") container.run = run;
  const signals: number[] = [];
  const events: string[] = [];
  const told: string[] = [];
  let resumed = false;
  const room = {
    deps: {
      containerd: {
        whenReconnected: () => Promise.resolve(),
        tasks: {
          kill: (_id: string, { signal }: { signal: number }) => {
            signals.push(signal);
            if (outage && signals.length > outage.from && signals.length <= outage.from + outage.count)
              return Promise.reject(unavailable("cannot reach containerd", { details: { outage: "/run/containerd.sock" } }));
            if (obeys.includes(signal)) {
              run.settled.resolve();
              run.finished.resolve();
            }
            return Promise.resolve();
          },
          resume: () => {
            resumed = true;
            return resume?.() ?? Promise.resolve();
          },
          pause: () => {
            run.over = true;
            container.note({ state: { status: "exited" } });
            return Promise.resolve();
          },
        },
      },
      configSettings: { defaultStopTimeoutSeconds: 10 },
      chains: { tell: async (point: string) => void told.push(`${point} after ${signals.length} signals`) },
      events: { publish: ({ action }: { action: string }) => events.push(action) },
    },
    healthOf: () => ({ halt: () => ({}), resume: () => undefined }),
    // The parts of the room a stop asks for.
  } as unknown as ContainerRoom;
  return { room, container, run, signals, events, told, wasResumed: () => resumed };
}

test("stop kills a container that ignores its stop signal", async () => {
  const { room, container, signals, events } = running([9]);
  await stopContainer(room, container, { timeoutSeconds: 0 });
  assert.deepEqual(signals, [15, 9]);
  assert.deepEqual(events, ["kill", "kill", "stop"]);
  assert.equal(container.record.manuallyStopped, true);
});

test("a stop is answered when what the run had is given back, also of one that has ended by itself, unless nobody asks for that", async () => {
  for (const released of [true, false]) {
    const { room, container, run } = running([]);
    run.settled.resolve();
    let answered = false;
    const stop = stopContainer(room, container, { released }).then(() => (answered = true));
    await setImmediate();
    assert.equal(answered, !released);
    run.over = true;
    container.note({ state: { status: "exited" } });
    let again = false;
    const late = assert.rejects(stopContainer(room, container, { released }), { kind: "notModified" }).then(() => (again = true));
    await setImmediate();
    assert.equal(again, !released);
    run.finished.resolve();
    await Promise.all([stop, late]);
  }
});

test("stop is content with the first signal when the container obeys it", async () => {
  const { room, container, signals } = running([2]);
  await stopContainer(room, container, { signal: "SIGINT", timeoutSeconds: 5 });
  assert.deepEqual(signals, [2]);
});

test("a stop or kill that containerd was not there for has asked for nothing: the policy still starts the container again", async () => {
  for (const end of [
    (room: ContainerRoom, container: Container) => stopContainer(room, container, {}),
    (room: ContainerRoom, container: Container) => killContainer(room, container, undefined),
  ]) {
    const { room, container, run } = running([15, 9], { outage: { from: 0, count: 1 } });
    await assert.rejects(end(room, container), (error) => isKind(error, "unavailable"));
    assert.deepEqual([run.lastOne, container.record.manuallyStopped], [false, false]);
  }
});

test("a container that was asked to end is killed when containerd, away when its time was up, is back", async () => {
  const { room, container, signals, run } = running([9], { outage: { from: 1, count: 1 } });
  await stopContainer(room, container, { timeoutSeconds: 0 });
  assert.deepEqual([signals, run.lastOne], [[15, 9, 9], true]);
});

test("a container that does not run is not modified by stop and refused by kill", async () => {
  const { room, container } = running([], { status: "exited" });
  await assert.rejects(stopContainer(room, container, {}), (error) => isKind(error, "notModified"));
  await assert.rejects(killContainer(room, container, "KILL"), /container .* is not running/);
});

test("a frozen container is thawed so that it can die, and an exit that comes before that is no failure", async () => {
  const stopped = (): Promise<void> => Promise.reject(internal("cannot resume a stopped container: unknown"));
  const notPaused = (): Promise<void> => Promise.reject(internal("OCI runtime resume failed: container not paused"));
  for (const resume of [undefined, stopped, notPaused]) {
    const { room, container, events, wasResumed } = running([9], { status: "paused", ...(resume ? { resume } : {}) });
    await killContainer(room, container, undefined);
    assert.equal(wasResumed(), true);
    assert.deepEqual(events, ["kill"]);
  }
});

test("a frozen container goes on with a signal that asks for its end, and that is told; with another it stays frozen", async () => {
  const asked = running([], { status: "paused" });
  await killContainer(asked.room, asked.container, "USR1");
  assert.deepEqual([asked.events, asked.container.state.status, asked.run.lastOne], [["kill", "unpause"], "running", true]);
  const other = running([], { status: "paused", stopSignal: "USR1" });
  await killContainer(other.room, other.container, "HUP");
  assert.deepEqual([other.events, other.container.state.status, other.run.lastOne], [["kill"], "paused", false]);
  assert.equal(other.container.record.manuallyStopped, true);
});

test("stop and kill call off a restart that is due, and tell who waits for the end", async () => {
  for (const [end, told] of [
    [stopContainer, ["stop"]],
    [(room: ContainerRoom, container: Container) => killContainer(room, container, "HUP"), []],
  ] as const) {
    const { room, container, events, signals } = running([], { status: "restarting" });
    const over = new Promise((resolve) => container.onExit("not-running", resolve));
    await end(room, container, {});
    assert.deepEqual([container.state.status, container.record.manuallyStopped], ["exited", true]);
    assert.deepEqual([events, signals], [told, []]);
    await over;
  }
});

test("what was to be sent to a run that is over by then does not reach the next one", async () => {
  const { room, container, run, signals } = running([], { outage: { from: 1, count: 1 } });
  room.deps.containerd.whenReconnected = async () => {
    run.over = true;
    run.settled.resolve();
    run.finished.resolve();
  };
  await stopContainer(room, container, { timeoutSeconds: 0 });
  assert.deepEqual(signals, [15, killSignal]);
});

test("a container that was started while its restart was being called off is stopped like any other", async () => {
  const { room, container, run, signals } = running([15], { status: "restarting" });
  const start = container.lock.run(async () => {
    container.run = run;
    container.note({ state: { status: "running" } });
  });
  await Promise.all([start, stopContainer(room, container, {})]);
  assert.deepEqual(signals, [15]);
});

test("a pause that comes too late does not take the exit back", async () => {
  const { room, container } = running([]);
  await assert.rejects(pauseContainer(room, container), (error) => isKind(error, "conflict"));
  assert.equal(container.state.status, "exited");
});

test("an unknown signal is refused before anything is sent", async () => {
  const { room, container, signals } = running([9]);
  await assert.rejects(killContainer(room, container, "SIGNOPE"), /Invalid signal: SIGNOPE/);
  assert.deepEqual(signals, []);
});

test("plugins are told of a stop before its signal, and of one that has nothing to do not at all", async () => {
  const { room, container, told, signals } = running([15]);
  await stopContainer(room, container, {});
  assert.deepEqual([told, signals], [["container.preStop after 0 signals"], [15]]);
  const stopped = running([], { status: "exited" });
  await assert.rejects(stopContainer(stopped.room, stopped.container, {}), { kind: "notModified" });
  assert.deepEqual(stopped.told, []);
});

test("a run that somebody began while plugins were told of a stop is not ended by it; one that the policy began is", async () => {
  for (const byPolicy of [false, true]) {
    const { room, container, run, signals } = running([15]);
    const next = new ContainerRun({} as ProcessStdio, undefined);
    const startsAnew = async (): Promise<void> => {
      run.over = true;
      run.settled.resolve();
      run.finished.resolve();
      container.run = next;
      if (!byPolicy) container.startsByHand += 1;
      next.settled.resolve();
      next.finished.resolve();
    };
    Object.assign(room.deps.chains, { tell: startsAnew });
    const stop = stopContainer(room, container, {});
    await (byPolicy ? stop : assert.rejects(stop, { kind: "notModified" }));
    assert.deepEqual([signals, next.lastOne], byPolicy ? [[15], true] : [[], false]);
  }
});
