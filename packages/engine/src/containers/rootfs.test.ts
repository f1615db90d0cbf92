import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mount } from "@pouchcontainer/containerd";
import { Container } from "./container.ts";
import type { ContainerDeps } from "./container-deps.ts";
import { ContainerRun } from "./container-run.ts";
import { mountsOf } from "./rootfs.ts";
import { sampleRecord } from "./spec/sample-record.ts";
import type { ProcessStdio } from "./stdio/process-stdio.ts";

test("what a container's files are mounted of is asked once in a run, and anew in the next one", async () => {
  let asked = 0;
  const mounts = async (): Promise<Mount[]> => [{ type: "bind", source: `/${++asked}`, options: [] }];
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const deps = { records: { put: () => Promise.resolve() }, roots: { containers: "/home", exec: "/run" }, log };
  const container = new Container(sampleRecord(), deps);
  // What is asked for is the mounts alone.
  const containerd = { snapshots: () => ({ mounts }) } as unknown as ContainerDeps["containerd"];
  const source = async () => (await mountsOf({ containerd }, container))[0]?.source;
  const run = () => new ContainerRun({} as ProcessStdio, undefined);
  assert.deepEqual([await source(), await source()], ["/1", "/2"], "who knows what is done with it between runs");
  container.run = run();
  assert.deepEqual([await source(), await source()], ["/3", "/3"]);
  container.run = run();
  assert.equal(await source(), "/4");
});
