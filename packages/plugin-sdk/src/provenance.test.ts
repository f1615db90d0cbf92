import assert from "node:assert/strict";
import { test } from "node:test";
import { writesOf, type Provenance } from "./provenance.ts";

const provenance: Provenance = {
  "/HostConfig/Memory": { plugin: "b", old: 1, new: 2, earlier: [{ plugin: "a", new: 1 }] },
  "/HostConfig/LogConfig": { plugin: "a", new: { Type: "none", Config: { x: "1" } } },
  "/HostConfig/LogConfig/Type": { plugin: "b", old: "none", new: "local" },
  "/Labels/a~1b": { plugin: "a", old: "x" },
  "/Env/1": { plugin: "b", old: "A=1", new: "A=2", earlier: [{ plugin: "a", new: "A=1" }] },
  "/NetworkingConfig": {
    plugin: "b",
    old: { EndpointsConfig: {} },
    earlier: [{ plugin: "a", field: "/NetworkingConfig/EndpointsConfig", new: {} }],
  },
};

test("who wrote a field is found, oldest first, by itself or with what it is in", () => {
  for (const [pointer, writes] of [
    [
      "/HostConfig/Memory",
      [
        { plugin: "a", new: 1 },
        { plugin: "b", old: 1, new: 2 },
      ],
    ],
    [
      "/HostConfig/LogConfig/Type",
      [
        { plugin: "a", new: "none" },
        { plugin: "b", old: "none", new: "local" },
      ],
    ],
    ["/HostConfig/LogConfig/Config/x", [{ plugin: "a", new: "1" }]],
    ["/Labels/a~1b", [{ plugin: "a", old: "x" }]],
    [
      "/Env/1",
      [
        { plugin: "a", new: "A=1" },
        { plugin: "b", old: "A=1", new: "A=2" },
      ],
    ],
    ["/Env/0", []],
    ["/HostConfig/Privileged", []],
    [
      "/NetworkingConfig/EndpointsConfig",
      [
        { plugin: "a", field: "/NetworkingConfig/EndpointsConfig", new: {} },
        { plugin: "b", old: {} },
      ],
    ],
  ] as const)
    assert.deepEqual(writesOf(provenance, pointer), writes, pointer);
});
