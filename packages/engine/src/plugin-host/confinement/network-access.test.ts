import type { PluginPermissions } from "@pouchcontainer/plugin-sdk";
import assert from "node:assert/strict";
import { test } from "node:test";
import { reachesNetwork } from "./network-access.ts";

test("who lists permissions has to list the network, and the operator to leave it", () => {
  const granted: PluginPermissions = { network: true };
  const others: PluginPermissions = { hooks: true };
  const cases: [permissions: PluginPermissions | undefined, narrowed: PluginPermissions | undefined, reaches: boolean][] = [
    [undefined, undefined, true],
    [granted, undefined, true],
    [others, undefined, false],
    [{ network: false }, undefined, false],
    [undefined, granted, true],
    [undefined, others, false],
    [granted, granted, true],
    [granted, others, false],
    [others, granted, false],
  ];
  for (const [permissions, narrowed, reaches] of cases)
    assert.equal(
      reachesNetwork({ ...(permissions && { permissions }), ...(narrowed && { narrowed }) }),
      reaches,
      JSON.stringify([permissions, narrowed]),
    );
});
