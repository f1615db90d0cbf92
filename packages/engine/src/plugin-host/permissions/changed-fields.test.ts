import { difference } from "@pouchcontainer/plugin-sdk/host";
import assert from "node:assert/strict";
import { test } from "node:test";
import { uncoveredFields } from "./changed-fields.ts";
import { FieldPatterns } from "./field-patterns.ts";
import { mapEntriesAt } from "./map-entries.ts";

function uncovered(patterns: readonly string[], before: unknown, after: unknown): string[] {
  const granted = { patterns: new FieldPatterns(patterns), entries: mapEntriesAt("container.preCreate") };
  return uncoveredFields(granted, before, after, difference(before, after), 100);
}

test("a field that is set, replaced or removed has to be granted", () => {
  const before = { Image: "busybox", User: "root", HostConfig: { Memory: 1 } };
  const after = { Image: "alpine", HostConfig: { Memory: 2, Privileged: true } };
  assert.deepEqual(uncovered([], before, after), ["User", "Image", "HostConfig.Memory", "HostConfig.Privileged"]);
  assert.deepEqual(uncovered(["User", "HostConfig.Memory"], before, after), ["Image", "HostConfig.Privileged"]);
});

test("of an object that comes or goes as a whole every member has to be granted", () => {
  assert.deepEqual(uncovered(["HostConfig.Memory"], {}, { HostConfig: { Memory: 1 } }), []);
  assert.deepEqual(uncovered(["HostConfig.Memory"], {}, { HostConfig: { Memory: 1, Binds: ["/:/host"] } }), ["HostConfig.Binds"]);
  assert.deepEqual(uncovered(["HostConfig.Memory"], { HostConfig: { Memory: 1, Binds: [] } }, {}), ["HostConfig.Binds"]);
  assert.deepEqual(uncovered(["Labels.a"], { Labels: null }, { Labels: { a: "1" } }), []);
  assert.deepEqual(uncovered(["Labels.a"], { Labels: { a: "1", b: "2" } }, { Labels: null }), ["Labels.b"]);
});

test("an empty object is made and taken away by who may change something in it", () => {
  assert.deepEqual(uncovered(["Labels.a"], {}, { Labels: {} }), []);
  assert.deepEqual(uncovered(["Env.A"], {}, { Labels: {} }), ["Labels"]);
});

test("an entry of a map comes and goes by a grant of itself, whatever is in it", () => {
  const net = (names: Record<string, unknown>): object => ({ NetworkingConfig: { EndpointsConfig: names } });
  const inside = ["NetworkingConfig.EndpointsConfig.*.Aliases"];
  const [inner, bridge] = ["inner", "bridge"].map((name) => `NetworkingConfig.EndpointsConfig.${name}`);
  assert.deepEqual(uncovered(inside, net({ inner: {} }), net({ bridge: {} })), [inner, bridge]);
  assert.deepEqual(uncovered(inside, net({ inner: {} }), net({ inner: {}, bridge: { Aliases: ["a"] } })), [bridge]);
  assert.deepEqual(uncovered(inside, {}, net({ bridge: null })), [bridge]);
  assert.deepEqual(uncovered(inside, net({ inner: { Aliases: ["a"] } }), {}), [inner]);
  assert.deepEqual(uncovered(inside, net({ inner: {} }), net({ inner: null })), [inner]);
  assert.deepEqual(uncovered(inside, net({ inner: {} }), net({ inner: { Aliases: ["a"] } })), []);
  assert.deepEqual(uncovered(["NetworkingConfig.EndpointsConfig.*"], net({ inner: {} }), net({ bridge: {} })), []);
  assert.deepEqual(uncovered(["Volumes.*.x"], {}, { Volumes: { "/data": {} } }), ["Volumes./data"]);
});

test("a scalar that becomes an object has to be granted itself", () => {
  assert.deepEqual(uncovered(["X.a"], { X: 1 }, { X: { a: 1 } }), ["X"]);
});

test("a list is one field, whatever is changed in it", () => {
  const [before, after] = [
    { HostConfig: { Mounts: [{ Source: "a" }, { Source: "b" }] } },
    { HostConfig: { Mounts: [{ Source: "/" }, { Source: "c" }, { Source: "d" }] } },
  ];
  assert.deepEqual(uncovered([], before, after), ["HostConfig.Mounts"]);
  assert.deepEqual(uncovered(["HostConfig.Mounts"], before, after), []);
  assert.deepEqual(uncovered(["HostConfig.Mounts.Source"], before, after), ["HostConfig.Mounts"]);
});

test("a variable is known by its name, wherever it is in the list", () => {
  const before = { Env: ["A=1", "B=2", "C=3"] };
  assert.deepEqual(uncovered(["Env.B"], before, { Env: ["A=1", "B=9", "C=3"] }), []);
  assert.deepEqual(uncovered(["Env.B"], before, { Env: ["A=1", "C=3"] }), []);
  assert.deepEqual(uncovered(["Env.B"], before, { Env: ["A=1", "C=3", "LD_PRELOAD=/x"] }), ["Env.LD_PRELOAD"]);
  assert.deepEqual(uncovered(["Env.D"], { Env: null }, { Env: ["D=1", "E=2"] }), ["Env.E"]);
  assert.deepEqual(uncovered(["Env.B"], before, {}), ["Env.A", "Env.C"]);
});

test("the order of variables is theirs: a program sees it, and may change it only of what is granted", () => {
  const before = { Env: ["A=1", "B=2", "C=3"] };
  assert.deepEqual(uncovered([], before, { Env: ["B=2", "C=3", "A=1"] }), ["Env.A"]);
  assert.deepEqual(uncovered([], { Env: ["A=1", "B=2"] }, { Env: ["B=2", "A=1"] }), ["Env.A"]);
  assert.deepEqual(uncovered(["Env.C"], before, { Env: ["C=3", "A=1", "B=2"] }), []);
  assert.deepEqual(uncovered(["Env.C"], before, { Env: ["C=3", "B=2", "A=1"] }), ["Env.A"]);
  assert.deepEqual(uncovered(["Env"], before, { Env: ["C=3", "B=2", "A=1"] }), []);
  assert.deepEqual(uncovered(["Env.*"], before, { Env: ["C=3", "B=2", "A=1"] }), []);
  assert.deepEqual(uncovered([], { Env: ["", "=", "A=1"] }, { Env: ["A=1", "", "="] }), ["Env."]);
  assert.deepEqual(uncovered([], { Env: ["A=1", "B=2", "A=3"] }, { Env: ["A=1", "A=3", "B=2"] }), ["Env.B"]);
  assert.deepEqual(uncovered(["Env.D"], before, { Env: ["D=1", "A=1", "D=2", "B=2", "C=3"] }), []);
});

test("of two entries of one variable the last counts, so their order is a change", () => {
  assert.deepEqual(uncovered(["Env.C"], { Env: ["A=1", "A=2", "C=1"] }, { Env: ["C=1", "A=2", "A=1"] }), ["Env.A"]);
});

test("labels are known by their key, dots and slashes in it", () => {
  const labels = { Labels: { "io.example/app": "a", "io.example/tier": "b" } };
  const changed = { Labels: { "io.example/app": "c", "io.example/tier": "d" } };
  assert.deepEqual(uncovered(["Labels.io.example/app"], labels, changed), ["Labels.io.example/tier"]);
});

test("a name of the prototype is a name like others", () => {
  const after = JSON.parse('{"__proto__":{"Privileged":true},"constructor":1}') as unknown;
  assert.deepEqual(uncovered([], {}, after), ["__proto__.Privileged", "constructor"]);
});

test("no more is looked for than is asked for", () => {
  const after = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`F${index}`, index]));
  assert.equal(
    uncoveredFields(
      { patterns: new FieldPatterns([]), entries: mapEntriesAt("container.preCreate") },
      {},
      after,
      difference({}, after),
      3,
    ).length,
    3,
  );
});
