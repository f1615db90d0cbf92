import assert from "node:assert/strict";
import { test } from "node:test";
import { joinedOwners, type NamespaceOwner } from "./joined-owners.ts";
import { sampleRecord } from "./spec/sample-record.ts";

const containers: Record<string, NamespaceOwner> = {
  up: { running: { pid: 7 }, sharesIpc: true },
  private: { running: { pid: 8 }, sharesIpc: false },
  down: { sharesIpc: true },
};
const join = (modes: { IpcMode?: string; PidMode?: string }) =>
  joinedOwners(sampleRecord({ hostConfig: { ...sampleRecord().hostConfig, ...modes } }), (ref) => containers[ref]);

/** The words dockerd 20.10 answers such a start with, recorded from one, with status 500. */
const refused: [Parameters<typeof join>[0], string][] = [
  [{ IpcMode: "container:down" }, "can't join IPC of container down: container down is not running"],
  [{ IpcMode: "container:gone" }, "can't join IPC of container gone: No such container: gone"],
  [
    { IpcMode: "container:private" },
    "can't join IPC of container private: non-shareable IPC (hint: use IpcMode:shareable for the donor container)",
  ],
  [{ PidMode: "container:down" }, "container down is not running"],
  [{ PidMode: "container:gone" }, "cannot join PID of a non running container: gone: No such container: gone"],
];

for (const [modes, message] of refused)
  test(`a start is refused: ${message}`, () => {
    assert.throws(() => join(modes), { kind: "internal", message });
  });

test("a running container's namespaces are joined", () => {
  assert.deepEqual(join({ IpcMode: "container:up", PidMode: "container:up" }), { pid: { pid: 7 }, ipc: { pid: 7 } });
  assert.deepEqual(join({}), {});
});
