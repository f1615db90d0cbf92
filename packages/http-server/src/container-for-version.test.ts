import type { ContainerInspect } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { test } from "node:test";
import { containerForVersion } from "./container-for-version.ts";

test("before 1.45 the short id is an alias in the user's own networks", () => {
  // Of a container only what is looked at.
  const container = {
    Id: "0123456789abcdef",
    State: { Status: "running" },
    NetworkSettings: { Networks: { bridge: { Aliases: null }, web: { Aliases: ["www"] }, db: { Aliases: null } } },
  } as unknown as ContainerInspect;
  assert.deepEqual(containerForVersion(container, "1.44").NetworkSettings.Networks, {
    bridge: { Aliases: null },
    web: { Aliases: ["www", "0123456789ab"] },
    db: { Aliases: ["0123456789ab"] },
  });
  assert.equal(containerForVersion(container, "1.45"), container);
  const created = { ...container, State: { Status: "created" } } as unknown as ContainerInspect;
  assert.equal(containerForVersion(created, "1.44"), created);
});
