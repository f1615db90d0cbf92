import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "@pouchcontainer/errors";
import { Container } from "./container.ts";
import { ContainerRun } from "./container-run.ts";
import type { ContainerRoom } from "./container-room.ts";
import { sampleRecord } from "./spec/sample-record.ts";
import { killContainer, stopContainer } from "./stop-container.ts";
import type { ProcessStdio } from "./stdio/process-stdio.ts";

/** A running container whose process ends on the signals it obeys. */
function running(obeys: number[], status: "running" | "paused" | "exited" = "running") {
  const record = sampleRecord();
  const container = new Container(
    { ...record, state: { ...record.state, status } },
    {
      records: { get: () => undefined, values: () => [].values(), put: () => Promise.resolve(), delete: () => Promise.resolve() },
      roots: { containers: "/home", exec: "/run" },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    },
  );
  // Stopping looks at the exit alone; the streams of a run are not touched.
  const run = new ContainerRun({} as ProcessStdio, undefined);
  if (status !== "exited") container.run = run;
  const signals: number[] = [];
  const events: string[] = [];
  let resumed = false;
  const room = {
    deps: {
      containerd: {
        tasks: {
          kill: (_id: string, { signal }: { signal: number }) => {
            signals.push(signal);
            if (obeys.includes(signal)) run.settled.resolve();
            return Promise.resolve();
          },
          resume: () => Promise.resolve(void (resumed = true)),
        },
      },
      configSettings: { defaultStopTimeoutSeconds: 10 },
      events: { publish: ({ action }: { action: string }) => events.push(action) },
    },
    // The parts of the room a stop asks for.
  } as unknown as ContainerRoom;
  return { room, container, signals, events, wasResumed: () => resumed };
}

test("stop kills a container that ignores its stop signal", async () => {
  const { room, container, signals, events } = running([9]);
  await stopContainer(room, container, { timeoutSeconds: 0 });
  assert.deepEqual(signals, [15, 9]);
  assert.deepEqual(events, ["kill", "kill", "stop"]);
  assert.equal(container.record.manuallyStopped, true);
});

test("stop is content with the first signal when the container obeys it", async () => {
  const { room, container, signals } = running([2]);
  await stopContainer(room, container, { signal: "SIGINT", timeoutSeconds: 5 });
  assert.deepEqual(signals, [2]);
});

test("a container that does not run is not modified by stop and refused by kill", async () => {
  const { room, container } = running([], "exited");
  await assert.rejects(stopContainer(room, container, {}), (error) => isKind(error, "notModified"));
  await assert.rejects(killContainer(room, container, "KILL"), /cannot kill container: .* is not running/);
});

test("a frozen container is thawed so that it can die", async () => {
  const { room, container, wasResumed } = running([9], "paused");
  await killContainer(room, container, undefined);
  assert.equal(wasResumed(), true);
});

test("an unknown signal is refused before anything is sent", async () => {
  const { room, container, signals } = running([9]);
  await assert.rejects(killContainer(room, container, "SIGNOPE"), /Invalid signal: SIGNOPE/);
  assert.deepEqual(signals, []);
});
