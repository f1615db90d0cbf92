import type { PluginPrivilege } from "@pouchcontainer/api";
import type { PluginPermissions } from "@pouchcontainer/plugin-sdk";
import { parseManifest } from "@pouchcontainer/plugin-sdk/host";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PluginRecord } from "../plugin-record.ts";
import { grantNow, grantedTo, readPrivileges, toBeGranted, warningOf, type Asking } from "./granted.ts";
import { privilegesAsked, privilegesOf, privilegesText, processPrivileges } from "./privileges.ts";

const asking = (permissions?: PluginPermissions, more: object = {}, host: object = {}): Asking => {
  const packageJson = {
    name: "tool",
    version: "1.0.0",
    pouch: { api: "1", points: ["container.preCreate"], ...(permissions === undefined ? {} : { permissions }), ...host },
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

const root = processPrivileges({});
const nobody = { user: "nobody" };

/** One that was installed with these words about its process. */
const held = (granted: PluginPrivilege[] | undefined, pouch: object): PluginRecord => installed(granted, { pouch });

const ofHost = (name: "user" | "environment", ...values: string[]): PluginPrivilege[] => {
  const pouch = name === "user" ? { user: values[0] } : { environment: values };
  return processPrivileges({ pouch }).filter(({ Name }) => Name === name);
};

test("permissions are listed in Docker's shape", () => {
  const text = privilegesText(privilegesOf({ ...more, routes: ["add GET /x"], unpack: false }));
  assert.equal(text, "fields at container.preCreate: [HostConfig.Memory, Env.A]; routes: [add GET /x]; hooks: [true]");
});

for (const [what, manifest, old, missing] of [
  ["a new plugin has to be granted what it asks for", asking(memory), undefined, [...privilegesOf(memory), ...root]],
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
    [...privilegesOf(more), ...root],
  ],
  ["code that may do all, too", asking(), installed(undefined, rules), [...privilegesOf(undefined), ...root]],
  [
    "whom it runs as and what it reads of the daemon's environment is to be granted",
    asking({}, {}, { ...nobody, environment: ["TOKEN"] }),
    undefined,
    [...ofHost("user", "nobody"), ...ofHost("environment", "TOKEN")],
  ],
  ["a version that gives its user up needs a grant of root", asking(memory), held(privilegesOf(memory), nobody), root],
  ["also where neither asks for anything by name", asking(), held(undefined, nobody), root],
  [
    "another user needs a grant, as does another group",
    asking({}, {}, { user: "nobody:docker" }),
    held([], nobody),
    ofHost("user", "nobody:docker"),
  ],
  ["any user is less than root", asking({}, {}, nobody), held([], {}), []],
  ["root by its number is no more than root by its name", asking({}), held([], { user: "0" }), []],
  ["a number that begins with a zero is not root", asking({}), held([], { user: "01" }), root],
  [
    "a version that reads another variable of the daemon needs a grant of that",
    asking(undefined, {}, { environment: ["LANGUAGE", "TOKEN"] }),
    held(undefined, { environment: ["LANGUAGE"] }),
    ofHost("environment", "TOKEN"),
  ],
  ["one that reads fewer needs none", asking({}, {}, { environment: ["A"] }), held([], { environment: ["A", "B"] }), []],
] as const) {
  test(what, () => assert.deepEqual(toBeGranted(manifest, old), missing));
}

test("to share a process has to be granted to who may not do all, by the name of the group", () => {
  const pouch = { api: "1", points: ["container.preCreate"], permissions: memory };
  const sharing = (sharedProcess: string): Asking => asking(undefined, { pouch: { ...pouch, sharedProcess } });
  const [shared] = toBeGranted(sharing("team-a"), held(privilegesOf(memory), {}));
  assert.deepEqual([shared?.Name, shared?.Value], ["shared process", ["team-a"]]);
  const granted = held(privilegesAsked(sharing("team-a").manifest), {});
  assert.deepEqual(toBeGranted(sharing("team-a"), granted), []);
  assert.equal(toBeGranted(sharing("team-b"), granted).length, 1);
  const mayDoAll = asking(undefined, { pouch: { ...pouch, permissions: undefined, sharedProcess: "team-a" } });
  assert.deepEqual(toBeGranted(mayDoAll, undefined), []);
});

test("a grant of less than is asked for is refused with what lacks", () => {
  assert.throws(
    () => grantNow(asking(more), undefined, privilegesOf(memory)),
    /^EngineError: plugin "tool" asks for privileges that were not granted: fields at container.preCreate: \[Env.A\]; hooks: \[true\]; user: \[root\]; who grants/,
  );
  assert.deepEqual(grantNow(asking(more), undefined, [...privilegesOf(more), ...root]), privilegesOf(more));
  assert.deepEqual(grantNow(asking(more), undefined, "all"), privilegesOf(more));
});

test("a grant of all that points let it do is none of another user, nor of the daemon's environment", () => {
  const more = asking(undefined, {}, { environment: ["TOKEN"] });
  const given = [...privilegesOf(undefined), ...ofHost("environment", "TOKEN")];
  assert.throws(() => grantNow(more, held(undefined, nobody), given), /not granted: user: \[root\];/);
  grantNow(more, held(undefined, nobody), [...given, ...root]);
});

test("what an installed plugin's process has of the host it was granted, rules have nothing of it", () => {
  assert.deepEqual(grantedTo(held([], nobody)), ofHost("user", "nobody"));
  assert.deepEqual(grantedTo(installed([], rules)), []);
});

test("code that asks for nothing by name is warned of, rules are not", () => {
  const words = warningOf(asking(undefined, {}, { environment: ["TOKEN"] }), []);
  assert.match(words ?? "", /all that its points let it do, as root, with TOKEN of the daemon's environment$/);
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
