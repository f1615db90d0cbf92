import { difference, type Provenance } from "@pouchcontainer/plugin-sdk/host";
import assert from "node:assert/strict";
import { test } from "node:test";
import { BodyHistory } from "./body-history.ts";

/** What is told after plugins `a`, `b`… made each body of the one before. */
function history(...bodies: unknown[]): Provenance {
  const noted = new BodyHistory();
  for (const [index, after] of bodies.slice(1).entries()) {
    const before = bodies[index];
    noted.note("abcdefgh"[index] ?? "", before, after, difference(before, after));
  }
  return noted.provenance;
}

for (const [what, bodies, told] of [
  ["nothing", [{ a: 1 }, { a: 1 }], {}],
  [
    "a field that was added, changed and removed",
    [{}, { a: 1 }, { a: 2 }, {}],
    {
      "/a": {
        plugin: "c",
        old: 2,
        earlier: [
          { plugin: "a", new: 1 },
          { plugin: "b", old: 1, new: 2 },
        ],
      },
    },
  ],
  [
    "a part of what was added as a whole",
    [{}, { a: { b: 1, c: 2 } }, { a: { b: 3, c: 2 } }],
    {
      "/a": { plugin: "a", new: { b: 1, c: 2 } },
      "/a/b": { plugin: "b", old: 1, new: 3 },
    },
  ],
  [
    "what is gone with what it was in",
    [{ a: { b: 1 } }, { a: { b: 2 } }, {}],
    {
      "/a": { plugin: "b", old: { b: 2 }, earlier: [{ field: "/a/b", plugin: "a", old: 1, new: 2 }] },
    },
  ],
  [
    "a name with signs of a pointer",
    [{ "x/y~": { z: 1 } }, { "x/y~": { z: 2 } }],
    {
      "/x~1y~0/z": { plugin: "a", old: 1, new: 2 },
    },
  ],
  [
    "items, by their content and at their last index",
    [
      { Env: ["A=1", "B=1"] },
      { Env: ["A=1", "B=1", "C=1"] },
      { Env: ["D=1", "A=1", "B=2", "C=1"] },
      { Env: ["D=1", "B=2", "C=3"] },
    ],
    {
      "/Env/0": { plugin: "b", new: "D=1" },
      "/Env/1": { plugin: "b", old: "B=1", new: "B=2" },
      "/Env/2": { plugin: "c", old: "C=1", new: "C=3", earlier: [{ plugin: "a", new: "C=1" }] },
      "/Env/-": { plugin: "c", old: "A=1" },
    },
  ],
  [
    "items of a list that came in as a whole",
    [{}, { Binds: ["/a:/a", "/b:/b"] }, { Binds: ["/c:/c", "/a:/a", "/b:/b"] }],
    {
      "/Binds": { plugin: "a", new: ["/a:/a", "/b:/b"] },
      "/Binds/0": { plugin: "b", new: "/c:/c" },
      "/Binds/1": { plugin: "a", new: "/a:/a" },
      "/Binds/2": { plugin: "a", new: "/b:/b" },
    },
  ],
  [
    "an item that is an object, as a whole",
    [{ M: [{ s: "/a", t: "/x" }] }, { M: [{ s: "/b", t: "/x" }] }],
    {
      "/M/0": { plugin: "a", old: { s: "/a", t: "/x" }, new: { s: "/b", t: "/x" } },
    },
  ],
  ["equal items", [{ l: ["x", "x"] }, { l: ["x", "x", "x"] }], { "/l/2": { plugin: "a", new: "x" } }],
  [
    "items in another order, as a change of their list",
    [{ Cmd: ["a", "b", "c"] }, { Cmd: ["b", "a", "c"] }, { Cmd: ["d", "b", "a", "c"] }, {}],
    {
      "/Cmd": {
        plugin: "c",
        old: ["d", "b", "a", "c"],
        earlier: [
          { field: "/Cmd", plugin: "a", old: ["a", "b", "c"], new: ["b", "a", "c"] },
          { field: "/Cmd/0", plugin: "b", new: "d" },
        ],
      },
    },
  ],
  [
    "a variable's entries in another order",
    [{ Env: ["A=1", "B=1", "A=2"] }, { Env: ["A=2", "B=1", "A=1", "C=1"] }, { Env: ["A=2", "A=1", "C=1"] }],
    {
      "/Env": { plugin: "a", old: ["A=1", "B=1", "A=2"], new: ["A=2", "B=1", "A=1", "C=1"] },
      "/Env/2": { plugin: "a", new: "C=1" },
      "/Env/-": { plugin: "b", old: "B=1" },
    },
  ],
  [
    "items in another order, of a list below a name",
    [{ P: { "80/tcp": [{ p: "1" }, { p: "2" }] } }, { P: { "80/tcp": [{ p: "2" }, { p: "1" }] } }],
    { "/P/80~1tcp": { plugin: "a", old: [{ p: "1" }, { p: "2" }], new: [{ p: "2" }, { p: "1" }] } },
  ],
  [
    "a list that a plugin made, and another put in another order",
    [{}, { l: ["a", "b"] }, { l: ["b", "a"] }],
    {
      "/l": { plugin: "b", old: ["a", "b"], new: ["b", "a"], earlier: [{ plugin: "a", new: ["a", "b"] }] },
      "/l/0": { plugin: "a", new: "b" },
      "/l/1": { plugin: "a", new: "a" },
    },
  ],
  ["one of several equal items that is gone", [{ l: ["x", "y", "x"] }, { l: ["y", "x"] }], { "/l/-": { plugin: "a", old: "x" } }],
  ["a text and a number that are written alike", [{ l: [1] }, { l: ["1"] }], { "/l/0": { plugin: "a", old: 1, new: "1" } }],
  ["the whole body", [1, { a: 1 }], { "": { plugin: "a", old: 1, new: { a: 1 } } }],
  [
    "names that every object has without being told",
    ['{"Labels":{}}', '{"Labels":{"constructor":"x","__proto__":"y"},"toString":1}'].map((text): unknown => JSON.parse(text)),
    {
      "/Labels/constructor": { plugin: "a", new: "x" },
      "/Labels/__proto__": { plugin: "a", new: "y" },
      "/toString": { plugin: "a", new: 1 },
    },
  ],
] as const satisfies readonly (readonly [string, readonly unknown[], object])[])
  test(`history of ${what}`, () => assert.deepEqual(history(...bodies), told));

test("a long list that each plugin adds to is told in no more than its items", () => {
  const bodies = Array.from({ length: 6 }, (_, plugin) => ({
    Env: Array.from({ length: 1000 + 1000 * plugin }, (_item, index) => `V${index}=1`).reverse(),
  }));
  const told = history(...bodies);
  assert.equal(Object.keys(told).length, 5000);
  assert.ok(Object.values(told).every(({ earlier }) => earlier === undefined));
});
