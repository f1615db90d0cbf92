import { unavailable } from "@pouchcontainer/errors";
import { catchLostErrors, type LostError } from "@pouchcontainer/owners";
import assert from "node:assert/strict";
import { once, EventEmitter } from "node:events";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { ContainerRoom } from "../container-room.ts";
import { Reconciler } from "./reconciler.ts";

test("a containerd that goes away in the middle of a look ends that look and nothing else", async () => {
  const lost: LostError[] = [];
  using _net = catchLostErrors((error) => lost.push(error));
  const away = new EventEmitter();
  const answers = [
    () => Promise.resolve([{ containerId: "a".repeat(64) }]),
    () => {
      away.emit("asked");
      return Promise.reject(unavailable("the connection to containerd was lost"));
    },
  ];
  const room = {
    deps: {
      containerd: { tasks: { list: () => answers.shift()?.() }, address: "/nonexistent", namespace: "none" },
      mountInfo: () => "",
      networks: { holding: () => [] },
      records: { get: () => undefined },
      roots: { exec: "/nonexistent" },
      runtimeRoots: { bundles: [], states: "/nonexistent" },
      specSettings: { cgroupDriver: "systemd" },
    },
    registry: { all: [], get: () => undefined, knows: () => false },
    orphans: new Map(),
  } as unknown as ContainerRoom;
  const reconciler = new Reconciler(room);
  reconciler.soon();
  await once(away, "asked");
  await setImmediate();
  await setImmediate();
  reconciler.stop();
  assert.deepEqual(lost, []);
});
