import type { PluginPrivilege } from "@pouchcontainer/api";
import type { PluginPermissions } from "@pouchcontainer/plugin-sdk";
import { parseManifest } from "@pouchcontainer/plugin-sdk/host";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PluginRecord } from "../plugin-record.ts";
import { grantNow, readPrivileges, toBeGranted, warningOf, type Asking } from "./granted.ts";
import { privilegesAsked, privilegesOf, privilegesText } from "./privileges.ts";

const asking = (permissions?: PluginPermissions, more: object = {}): Asking => {
  const packageJson = {
    name: "tool",
    version: "1.0.0",
    pouch: { api: "1", points: ["container.preCreate"], ...(permissions === undefined ? {} : { permissions }) },
    ...more,
  };
  return { manifest: parseManifest(packageJson), packageJson };
};

const rules = { policy: {} };

const installed = (granted?: PluginPrivilege[], packageJson: object = {}): PluginRecord => ({
  name: "tool",
  enabled: true,
  installed: { packageJson, directory: "/nowhere", installedAt: "", ...(granted === undefined ? {} : { granted }) },
});

const memory: PluginPermissions = { fields: { "container.preCreate": ["HostConfig.Memory"] } };
const more: PluginPermissions = { fields: { "container.preCreate": ["HostConfig.Memory", "Env.A"] }, hooks: true };

test("permissions are listed in Docker's shape", () => {
  const text = privilegesText(privilegesOf({ ...more, routes: ["add GET /x"], unpack: false }));
  assert.equal(text, "fields at container.preCreate: [HostConfig.Memory, Env.A]; routes: [add GET /x]; hooks: [true]");
});

for (const [what, manifest, old, missing] of [
  ["a new plugin has to be granted what it asks for", asking(memory), undefined, privilegesOf(memory)],
  ["a new plugin that asks for nothing by name needs no grant", asking(), undefined, []],
  ["the same again needs no grant", asking(memory), installed(privilegesOf(memory)), []],
  ["less needs no grant", asking(memory), installed(privilegesOf(more)), []],
  [
    "more needs a grant of what is new alone",
    asking(more),
    installed(privilegesOf(memory)),
    [
      { ...privilegesOf(memory)[0], Value: ["Env.A"] },
      { Name: "hooks", Description: "have programs run on the host when a container starts", Value: ["true"] },
    ],
  ],
  ["by name, after a version that might do all, needs no grant", asking(more), installed(), []],
  ["all, after a version that asked by name, needs a grant", asking(), installed(privilegesOf(more)), privilegesOf(undefined)],
  ["a policy that asks for nothing by name needs no grant", asking(undefined, rules), undefined, []],
  ["nor does its next version", asking(undefined, rules), installed(undefined, rules), []],
  ["a policy that asks by name has to be granted that", asking(memory, rules), undefined, privilegesOf(memory)],
  [
    "one that asks by name no more needs a grant of all",
    asking(undefined, rules),
    installed(privilegesOf(memory), rules),
    privilegesOf(undefined),
  ],
  [
    "code in the place of a policy has to be granted what it asks for",
    asking(more),
    installed(undefined, rules),
    privilegesOf(more),
  ],
  ["code that may do all, too", asking(), installed(undefined, rules), privilegesOf(undefined)],
] as const) {
  test(what, () => assert.deepEqual(toBeGranted(manifest, old), missing));
}

test("to share a process has to be granted to who may not do all, by the name of the group", () => {
  const pouch = { api: "1", points: ["container.preCreate"], permissions: memory };
  const sharing = (sharedProcess: string): Asking => asking(undefined, { pouch: { ...pouch, sharedProcess } });
  const [shared] = toBeGranted(sharing("team-a"), installed(privilegesOf(memory)));
  assert.deepEqual([shared?.Name, shared?.Value], ["shared process", ["team-a"]]);
  const granted = installed(privilegesAsked(sharing("team-a").manifest));
  assert.deepEqual(toBeGranted(sharing("team-a"), granted), []);
  assert.equal(toBeGranted(sharing("team-b"), granted).length, 1);
  const mayDoAll = asking(undefined, { pouch: { ...pouch, permissions: undefined, sharedProcess: "team-a" } });
  assert.deepEqual(toBeGranted(mayDoAll, undefined), []);
});

test("a grant of less than is asked for is refused with what lacks", () => {
  assert.throws(
    () => grantNow(asking(more), undefined, privilegesOf(memory)),
    /^EngineError: plugin "tool" asks for privileges that were not granted: fields at container.preCreate: \[Env.A\]; hooks: \[true\]; who grants/,
  );
  assert.deepEqual(grantNow(asking(more), undefined, privilegesOf(more)), privilegesOf(more));
  assert.deepEqual(grantNow(asking(more), undefined, "all"), privilegesOf(more));
});

test("code that asks for nothing by name is warned of, rules are not", () => {
  assert.match(warningOf(asking(), []) ?? "", /^plugin "tool" has no permissions in its manifest/);
  assert.deepEqual([warningOf(asking(undefined, rules), []), warningOf(asking(memory), [])], [undefined, undefined]);
});

test("what is granted says so in Docker's shape, or that it is all", () => {
  assert.equal(readPrivileges("all"), "all");
  assert.deepEqual(readPrivileges(undefined), []);
  assert.deepEqual(readPrivileges(privilegesOf(more)), privilegesOf(more));
  for (const wrong of ["some", {}, [{ Name: "hooks" }], [{ Name: 1, Value: [] }], [{ Name: "hooks", Value: [true] }]])
    assert.throws(() => readPrivileges(wrong), /privileges must be "all" or a list/);
});

test("who may rewrite requests that make containers is warned of, as far as the operator left it that", () => {
  for (const [pattern, isStrong] of [
    ["wrap POST /*", true],
    ["wrap * *", true],
    ["replace POST /containers/create", true],
    ["wrap POST /containers/*/update", true],
    ["wrap POST /volumes/create", true],
    ["wrap GET /*", false],
    ["add POST /*", false],
    ["remove POST /containers/create", false],
    ["wrap POST /images/*", false],
  ] as const) {
    const warning = warningOf(asking({ routes: ["wrap GET /version", pattern] }), []);
    if (!isStrong) assert.equal(warning, undefined, pattern);
    else assert.ok(warning?.startsWith(`plugin "tool" may do whatever a client may by ${pattern}: `), pattern);
  }
  const { manifest, packageJson } = asking({ routes: ["wrap POST /*"] });
  assert.equal(
    warningOf({ manifest: { ...manifest, narrowed: { routes: ["wrap POST /images/*"] } }, packageJson }, []),
    undefined,
  );
});
