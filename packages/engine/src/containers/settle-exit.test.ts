import { conflict, internal, resourceExhausted, unavailable } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { Container } from "./container.ts";
import type { ContainerRoom } from "./container-room.ts";
import { scheduleRestart, waitForExit } from "./settle-exit.ts";
import { sampleRecord } from "./spec/sample-record.ts";

const away = () => unavailable("cannot reach containerd", { details: { outage: "/run/containerd.sock" } });

/** A container that waits for its policy, whose starts end one after the other as given; then they work out. */
function restarting(failures: Error[]) {
  const record = sampleRecord();
  const log: string[] = [];
  const container = new Container(
    { ...record, state: { ...record.state, status: "restarting" } },
    {
      records: { put: () => Promise.resolve() },
      roots: { containers: "/home", exec: "/run" },
      log: { info: () => undefined, warn: () => undefined, error: (message: string) => log.push(message) },
    },
  );
  const back = Promise.withResolvers<void>();
  let starts = 0;
  const room = {
    deps: {
      containerd: {
        whenReconnected: ({ signal }: { signal: AbortSignal }) => {
          const calledOff = Promise.withResolvers<void>();
          signal.addEventListener("abort", () => calledOff.reject(signal.reason as Error));
          return Promise.race([back.promise, calledOff.promise]);
        },
      },
      log: { info: () => undefined, warn: () => undefined, error: (message: string) => log.push(message) },
    },
    leaving: new AbortController().signal,
    start: () => {
      starts++;
      const failure = failures.shift();
      if (failure) return Promise.reject(failure);
      container.note({ state: { status: "running" } });
      return Promise.resolve();
    },
    // The parts of the room a restart asks for.
  } as unknown as ContainerRoom;
  return { room, container, log, back, starts: () => starts };
}

/** Polls for up to 15 s, then leaves it to the test's assertion to say what is wrong. */
async function waitFor(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1500 && !holds(); tries++) await sleep(10);
}

test("a restart by policy that meets an outage of containerd comes when that is back", async () => {
  const { room, container, log, back, starts } = restarting([away(), internal("no task", { cause: away() })]);
  scheduleRestart(room, container, 0);
  await waitFor(() => starts() === 1);
  await sleep(50);
  assert.deepEqual([container.state.status, starts()], ["restarting", 1]);
  back.resolve();
  await waitFor(() => container.state.status === "running");
  assert.deepEqual([container.state.status, starts(), log], ["running", 3, []]);
});

test("one that meets a full disk is tried again, later each time", async () => {
  const full = () => resourceExhausted("no space left on the device of /home/pouch.db: free some and try again");
  const { room, container, log, starts } = restarting([
    full(),
    internal("cannot write hosts", { cause: new Error("ENOSPC: no space left on device") }),
  ]);
  scheduleRestart(room, container, 0);
  await waitFor(() => container.state.status === "running");
  assert.deepEqual([container.state.status, starts(), container.restartDelayMs, log], ["running", 3, 200, []]);
});

test("one that waits for containerd is called off like any other", async () => {
  const { room, container, back, starts } = restarting([away()]);
  scheduleRestart(room, container, 0);
  await waitFor(() => starts() === 1);
  await sleep(50);
  container.cancelRestart();
  back.resolve();
  await sleep(200);
  assert.equal(starts(), 1);
});

test("any other failure ends it, and who waits for the end hears that", async () => {
  const { room, container, log } = restarting([unavailable("a plugin does not answer")]);
  const over = new Promise((resolve) => container.onExit("not-running", resolve));
  scheduleRestart(room, container, 0);
  await over;
  assert.deepEqual([container.state.status, log], ["exited", ["a container could not be restarted"]]);
});

test("one that a removal called off is no failure", async () => {
  const { room, container, log, starts } = restarting([conflict("container is marked for removal and cannot be started")]);
  scheduleRestart(room, container, 0);
  container.removing = true;
  while (container.state.status === "restarting") await sleep(5);
  assert.deepEqual([container.state.status, starts(), log], ["exited", 1, []]);
});

test("the wait for an exit goes on whatever goes wrong, the wait for containerd's return included", async () => {
  const failures = [away(), internal("the HTTP/2 stream broke"), internal("no shim: ttrpc: closed"), away()];
  const noReturn = [resourceExhausted("containerd refused the call: too much load")];
  const exit = { exitStatus: 3, exitedAt: new Date() };
  const calls: string[] = [];
  const room = {
    deps: {
      containerd: {
        tasks: {
          wait: () => {
            calls.push("wait");
            const failure = failures.shift();
            return failure ? Promise.reject(failure) : Promise.resolve(exit);
          },
        },
        whenReconnected: () => {
          calls.push("return");
          const failure = noReturn.shift();
          return failure ? Promise.reject(failure) : Promise.resolve();
        },
      },
      log: { warn: () => undefined },
    },
    // The parts of the room that a wait asks for.
  } as unknown as ContainerRoom;
  assert.equal(await waitForExit(room, "c"), exit);
  assert.deepEqual(calls, ["wait", "return", "return", "wait", "return", "wait", "wait", "return", "wait"]);
});

test("a wait that is called off ends, also while containerd is away", async () => {
  for (const failure of [away(), internal("the shim hangs")]) {
    const off = new AbortController();
    let waits = 0;
    const room = {
      deps: {
        containerd: {
          tasks: {
            wait: (_id: string, _execId: string, { signal }: { signal: AbortSignal }) => {
              waits++;
              assert.equal(signal, off.signal);
              off.abort();
              return Promise.reject(failure);
            },
          },
        },
        log: { warn: () => undefined },
      },
      // The parts of the room that a wait asks for.
    } as unknown as ContainerRoom;
    await assert.rejects(waitForExit(room, "c", { execId: "e", signal: off.signal }), failure);
    assert.equal(waits, 1);
  }
});
