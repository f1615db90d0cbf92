import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ContainerRoom } from "../container-room.ts";
import { clearStrays } from "./clear-strays.ts";

const id = "a".repeat(64);

/** A room without containers, whose control groups are below `hierarchy`. */
function emptyRoom(hierarchy: string): ContainerRoom {
  const deps = {
    containerd: { address: join(hierarchy, "nobody.sock"), namespace: "none", tasks: { list: () => Promise.resolve([]) } },
    networks: { holding: () => [] },
    runtimeRoots: { bundles: [] },
    roots: { exec: join(hierarchy, "exec") },
    specSettings: { cgroupDriver: "cgroupfs", cgroupParent: "/shared" },
    mountInfo: () => `30 1 0:26 / ${hierarchy} rw - cgroup2 cgroup2 rw\n`,
    log: { warn: () => undefined },
  };
  // No more of the room is looked at for a group that has no other trace.
  return {
    deps,
    registry: { all: [], get: () => undefined, knows: () => false },
    orphans: new Map(),
  } as unknown as ContainerRoom;
}

test("of an old group that no record knows nothing is touched while it has processes: another daemon may share the parent", async (t) => {
  const hierarchy = mkdtempSync(join(tmpdir(), "pouch-groups-"));
  t.after(() => rmSync(hierarchy, { recursive: true }));
  const group = join(hierarchy, "shared", id);
  mkdirSync(join(group, "inner"), { recursive: true });
  mkdirSync(join(hierarchy, "exec"));
  const processes = join(group, "cgroup.procs");
  writeFileSync(processes, "1\n");
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() + 3_600_000 });
  const found = new Map([[id, { traces: new Set(["control group"]) }]]);

  await clearStrays(emptyRoom(hierarchy), found);
  assert.ok(existsSync(join(group, "inner")));

  // In a control group such files go with the folder.
  rmSync(processes);
  await clearStrays(emptyRoom(hierarchy), found);
  assert.ok(!existsSync(group));
});
