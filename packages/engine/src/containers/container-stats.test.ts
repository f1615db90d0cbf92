import assert from "node:assert/strict";
import { test } from "node:test";
import { notFound } from "@pouchcontainer/errors";
import type { Container } from "./container.ts";
import type { ContainerRoom } from "./container-room.ts";
import { containerStats, hostCpuNs } from "./container-stats.ts";
import { sampleRecord } from "./spec/sample-record.ts";

/** The first sample of a stream, of a container that is known to run, and of whose task containerd says nothing. */
async function firstSample(pid: number, metrics: () => Promise<[]>): Promise<unknown> {
  // What every process has in its control groups.
  const record = sampleRecord({ id: ":" });
  const tasks = { metrics, get: () => Promise.resolve({ status: "running" }) };
  const room = { deps: { containerd: { tasks } } } as unknown as ContainerRoom;
  const container = { ...record, record, isRunning: true, state: { ...record.state, pid }, startsSettled: () => undefined };
  const options = { stream: true, oneShot: false };
  const stats = containerStats(room, container as unknown as Container, options, AbortSignal.timeout(10_000));
  return (await stats.next()).value;
}

test("of a shim that does not answer there are no figures, whatever containerd makes of it", async () => {
  for (const metrics of [() => Promise.resolve<[]>([]), () => Promise.reject<[]>(notFound("no task"))])
    await assert.rejects(firstSample(process.pid, metrics), /does not answer|no task/);
  assert.partialDeepStrictEqual(await firstSample(0, () => Promise.resolve([])), { num_procs: 0, pids_stats: {} });
});

test("the host's CPU time is that of its first seven kinds: what a hypervisor took, and guests had, is none", () => {
  assert.equal(hostCpuNs("cpu  1 2 3 4 5 6 7 1000 2000 3000\ncpu0 1 2 3 4 5 6 7 1000 2000 3000\n"), 28e7);
});
