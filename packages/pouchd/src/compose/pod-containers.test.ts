import type { PodMembership } from "@pouchcontainer/engine";
import { conflict, internal, notFound, notModified } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { podContainers, type PodContainersDeps } from "./pod-containers.ts";

const inPod = (podId: string): { pod: PodMembership } => ({
  pod: { podId, namespaces: { network: "host", ipc: "host", uts: "host", pid: "host" }, files: {}, logPath: "" },
});

/** Containers that note what is asked of them; `fail` is what that fails with. */
function containers(fail: (what: string) => Error | undefined = () => undefined) {
  const asked: string[] = [];
  const records = [{ id: "a", ...inPod("p1") }, { id: "b", ...inPod("p1") }, { id: "c", ...inPod("p2") }, { id: "d" }];
  const note = async (what: string): Promise<void> => {
    asked.push(what);
    const error = fail(what);
    if (error) throw error;
  };
  const manager = {
    records: () => records,
    stop: (id: string, { signal = "" } = {}) => note(`${signal} ${id}`),
    remove: (id: string, { force = false } = {}) => note(`${force ? "force " : ""}remove ${id}`),
    wait: (id: string, condition: string) => ({ registered: Promise.resolve(), result: note(`wait ${condition} ${id}`) }),
  };
  // No more of a record than is looked at.
  const deps = { records: { values: () => records.values() }, containers: manager } as unknown as PodContainersDeps;
  return { asked, pods: podContainers(deps) };
}

test("pods are known by the containers that say they are in them", () => {
  assert.deepEqual([...containers().pods.podIds()], ["p1", "p2"]);
});

test("what runs in a pod is killed, and what has ended is fine", async () => {
  const { asked, pods } = containers((what) => (what.endsWith("a") ? notModified("stopped") : notFound("gone")));
  await pods.stopAll("p1");
  assert.deepEqual(asked, ["SIGKILL a", "SIGKILL b"]);
});

test("one that cannot be stopped is told, after the others were", async () => {
  const { asked, pods } = containers((what) => (what.endsWith("a") ? internal("hangs") : undefined));
  await assert.rejects(pods.stopAll("p1"), /hangs/);
  assert.deepEqual(asked, ["SIGKILL a", "SIGKILL b"]);
});

test("a removal waits for one that somebody else has begun", async () => {
  const { asked, pods } = containers((what) => (what === "force remove a" ? conflict("in progress") : undefined));
  await pods.removeAll("p1");
  assert.deepEqual(asked, ["force remove a", "force remove b", "wait removed a"]);
});
