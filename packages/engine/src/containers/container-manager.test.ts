import assert from "node:assert/strict";
import { test } from "node:test";
import { Container } from "./container.ts";
import type { ContainerDeps } from "./container-deps.ts";
import { ContainerManager } from "./container-manager.ts";
import { sampleRecord } from "./spec/sample-record.ts";

test("networks of a container that is being removed, or was in part, do not change", async () => {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const deps = { records: { put: () => Promise.resolve() }, roots: { containers: "/home", exec: "/run" }, log };
  // The parts that a look for a container asks for.
  const manager = new ContainerManager(deps as unknown as ContainerDeps);
  const container = new Container(sampleRecord(), deps);
  manager.room.registry.add(container);
  const change = () => manager.forNetworks.locked(container.id, () => Promise.resolve("changed"));
  const message = `Container ${container.id} is marked for removal and cannot be connected or disconnected to the network`;
  assert.equal(await change(), "changed");
  container.removing = true;
  await assert.rejects(change(), { kind: "conflict", message });
  container.removing = false;
  container.note({ state: { status: "dead" } });
  await assert.rejects(change(), { kind: "conflict", message });
});
