import assert from "node:assert/strict";
import { test } from "node:test";
import { checkConfiguration, parseManifest, parsePermissions } from "./parse-manifest.ts";

const pouch = { api: "^1.0.0", points: ["container.preCreate"] };
const pkg = { name: "demo", version: "1.0.0", pouch };

const many = (text: string): string[] => Array.from({ length: 9000 }, () => text);

/** Each part refers twice to the next one. */
function doubling(parts: number): object {
  const part = (next: number): object => ({ allOf: [{ $ref: `#/$defs/${next}` }, { $ref: `#/$defs/${next}` }] });
  return {
    $defs: { ...Object.fromEntries(Array.from({ length: parts }, (_, index) => [index, part(index + 1)])), [parts]: {} },
    $ref: "#/$defs/0",
  };
}

test("every default is filled in", () => {
  const manifest = parseManifest({ ...pkg, pouch: { ...pouch, points: ["container.preCreate", "daemon.preStartHook"] } });
  assert.deepEqual(manifest.points, {
    "container.preCreate": { priority: 0, timeoutMs: 10_000, failurePolicy: "fail", filters: {}, onConflict: "record" },
    "daemon.preStartHook": { priority: 0, timeoutMs: 60_000, failurePolicy: "fail", filters: {}, onConflict: "record" },
  });
  assert.deepEqual([manifest.main, manifest.environment, manifest.memoryLimitMb], ["index.js", [], 256]);
  assert.deepEqual([manifest.pidsLimit, manifest.user], [512, undefined]);
});

test("whom its processes run as is a user, and a group where it is named, by name or number", () => {
  for (const user of ["svc", "1000", "svc:web-1", "1000:0", "_a.b"])
    assert.equal(parseManifest({ ...pkg, pouch: { ...pouch, user } }).user, user);
  for (const user of ["", ":1", "a:", "a:b:c", "a b", "-1", "$(id)", "1000\n"])
    assert.throws(() => parseManifest({ ...pkg, pouch: { ...pouch, user } }), /bad manifest of plugin "demo": pouch.user must/);
});

test("a plugin that shares a process names the group; one with a program of its own cannot", () => {
  for (const sharedProcess of ["team-a", "7", "A.b_c"])
    assert.equal(parseManifest({ ...pkg, pouch: { ...pouch, sharedProcess } }).sharedProcess, sharedProcess);
  assert.equal(parseManifest(pkg).sharedProcess, undefined);
  for (const sharedProcess of ["", "-a", "a b", "../a", "x".repeat(65), true])
    assert.throws(() => parseManifest({ ...pkg, pouch: { ...pouch, sharedProcess } }), /plugin "demo": pouch.sharedProcess must/);
  assert.throws(
    () => parseManifest({ ...pkg, pouch: { ...pouch, sharedProcess: "team-a", command: ["python3", "plugin.py"] } }),
    /plugin "demo": pouch.sharedProcess is for plugins in JavaScript and TypeScript: one with pouch.command is a program of its own/,
  );
});

test("a point's own settings win over the manifest's", () => {
  const points = { "container.preCreate": { priority: 5 }, "container.preStart": { failurePolicy: "ignore" } };
  const manifest = parseManifest({ ...pkg, pouch: { ...pouch, points, priority: 1, timeoutMs: 50 } });
  const [create, start] = [manifest.points["container.preCreate"], manifest.points["container.preStart"]];
  assert.deepEqual([create?.priority, create?.failurePolicy, create?.timeoutMs], [5, "fail", 50]);
  assert.deepEqual([start?.priority, start?.failurePolicy, start?.timeoutMs], [1, "ignore", 50]);
});

test("the main module is found where Node would find it", () => {
  assert.equal(parseManifest({ ...pkg, exports: "./a.ts" }).main, "./a.ts");
  assert.equal(parseManifest({ ...pkg, exports: { ".": { types: "./a.d.ts", import: "./b.js" } } }).main, "./b.js");
  assert.equal(parseManifest({ ...pkg, main: "c.js" }).main, "c.js");
});

for (const [what, broken, message] of [
  ["no pouch section", { pouch: undefined }, /plugin "demo": package.json has no "pouch" section/],
  ["an unknown point", { pouch: { ...pouch, points: ["container.preExplode"] } }, /bad manifest of plugin "demo": pouch.points/],
  ["no points", { pouch: { ...pouch, points: [] } }, /bad manifest of plugin "demo": pouch.points/],
  ["a priority that is no integer", { pouch: { ...pouch, priority: "high" } }, /pouch.priority must be integer, got "high"/],
  ["an unknown key", { pouch: { ...pouch, prioritty: 1 } }, /pouch must not have additional properties \(prioritty\)/],
  [
    "an API range that is none",
    { pouch: { ...pouch, api: "newest" } },
    /pouch.api must be a range of versions such as "\^1.2.0", got "newest"/,
  ],
  ["an API that does not exist", { pouch: { ...pouch, api: ">=2" } }, /it asks for plugin API >=2, this daemon has 1.2.0/],
  ["a failure policy that is none", { pouch: { ...pouch, failurePolicy: "panic" } }, /pouch.failurePolicy must be/],
  [
    "a filter that is no pattern of a filter",
    { pouch: { ...pouch, filters: { images: [`*${"x".repeat(1100)}`] } } },
    /^EngineError: bad manifest of plugin "demo": pouch.filters.images\[0\] must not have more than 1024 characters/,
  ],
  [
    "more patterns than a filter has",
    { pouch: { ...pouch, points: { "container.preStart": { filters: { env: Array.from({ length: 257 }, String) } } } } },
    /bad manifest of plugin "demo": pouch.points/,
  ],
  [
    "a permission that is none",
    { pouch: { ...pouch, permissions: { hostFiles: true } } },
    /pouch.permissions must not have additional properties \(hostFiles\)/,
  ],
  [
    "fields of a point that changes nothing",
    { pouch: { ...pouch, permissions: { fields: { "container.preStart": ["*"] } } } },
    /pouch.permissions.fields must not have additional properties \(container.preStart\)/,
  ],
  [
    "a route that does not say what is done",
    { pouch: { ...pouch, permissions: { routes: ["GET /info"] } } },
    /pouch.permissions.routes\[0\] must match pattern/,
  ],
  [
    "a field that hides from who reads it",
    { pouch: { ...pouch, permissions: { fields: { "container.preCreate": ["User\u001b[2K\u001b[1A"] } } } },
    /pouch.permissions.fields.container.preCreate\[0\] must match pattern/,
  ],
  [
    "more permissions than anyone reads",
    {
      pouch: {
        ...pouch,
        permissions: { routes: Array.from({ length: 100 }, (_, index) => `add GET /${"x".repeat(50)}${index}`) },
      },
    },
    /pouch.permissions has \d+ characters; at most 4096 are allowed/,
  ],
  [
    "more points than there are",
    { pouch: { ...pouch, points: many("container.preCreate") } },
    /pouch.points must not have more than \d+ items$/,
  ],
  [
    "more variables than anyone lists",
    { pouch: { ...pouch, environment: many("A") } },
    /environment must not have more than 256 items/,
  ],
  ["more words than a command has", { pouch: { ...pouch, command: many("x") } }, /command must not have more than 256 items$/],
  [
    "more fields than anyone reads",
    { pouch: { ...pouch, permissions: { fields: { "container.preCreate": many("A") } } } },
    /container.preCreate must not have more than 128 items$/,
  ],
  [
    "a schema that is too large",
    { pouch: { ...pouch, configuration: { enum: many("x") } } },
    /^EngineError: bad manifest of plugin "demo": pouch.configuration has more than 1000 values$/,
  ],
  [
    "a schema that doubles with each of its parts",
    { pouch: { ...pouch, configuration: doubling(60) } },
    /pouch.configuration has more than 10000 parts where what it refers to is counted$/,
  ],
  [
    "a schema that is elsewhere",
    { pouch: { ...pouch, configuration: { $ref: "https://example.com/schema" } } },
    /pouch.configuration refers to "https:\/\/example.com\/schema"; it can refer to parts of itself/,
  ],
  [
    "a schema that has others in it",
    { pouch: { ...pouch, configuration: { $defs: { a: { $id: "a" } }, $ref: "#/$defs/a" } } },
    /pouch.configuration has a \$dynamicRef/,
  ],
  ["a long version", { version: "1".repeat(100_000) }, /^.{600,700}more bytes\)$/],
  ["a long priority", { pouch: { ...pouch, priority: "x".repeat(100_000) } }, /^.{8000,9000}more bytes\)$/],
  ["a long name", { name: "x".repeat(100_000) }, /^.{600,700}more bytes\)$/],
  ["a bad version", { version: "one" }, /version must be a semantic version, got "one"/],
  ["a bad name", { name: "../../etc" }, /name must be an npm package name/],
] as const) {
  test(`a manifest with ${what} is refused with the field's name`, () => {
    assert.throws(() => parseManifest({ ...pkg, ...broken }), message);
  });
}

test("permissions that are left to a plugin are checked as those of a manifest", () => {
  assert.deepEqual(parsePermissions({ hooks: true }, "tool.json"), { hooks: true });
  assert.throws(
    () => parsePermissions({ hook: true }, "tool.json"),
    /^EngineError: tool.json: .* additional properties \(hook\)/,
  );
});

test("a schema may refer to parts of itself, and to the whole from within", () => {
  const node = { type: "object", properties: { next: { $ref: "#/$defs/node" }, size: { $ref: "#/$defs/size~0" } } };
  const configuration = { $id: "demo", $defs: { node, "size~": { type: "integer" } }, $ref: "#/$defs/node" };
  const manifest = parseManifest({ ...pkg, pouch: { ...pouch, configuration } });
  assert.deepEqual(checkConfiguration(manifest, { next: { size: 2 } }), { next: { size: 2 } });
  assert.throws(() => checkConfiguration(manifest, { next: { size: "2" } }), /next.size must be integer, got "2"/);
});

test("a configuration is checked against the manifest's schema; without one only an empty object is right", () => {
  const schema = { type: "object", properties: { size: { type: "integer", minimum: 1 } }, additionalProperties: false };
  const manifest = parseManifest({ ...pkg, pouch: { ...pouch, configuration: schema } });
  assert.deepEqual(checkConfiguration(manifest, { size: 2 }), { size: 2 });
  assert.deepEqual(checkConfiguration(manifest, undefined), {});
  assert.throws(() => checkConfiguration(manifest, { size: 0 }), /configuration of plugin "demo": size must be >= 1, got 0/);
  assert.throws(() => checkConfiguration(parseManifest(pkg), { size: 1 }), /configuration of plugin "demo"/);
});

const url = "https://registry.example.com/api/v1/long-enough";
for (const [what, schema, value, problem] of [
  ["a pattern that backtracks", { properties: { url: { pattern: "^([^|]+)+[|]$" } } }, { url }, /longer than 500 ms/],
  ["a pattern of names", { patternProperties: { "^([^|]+)+[|]$": {} } }, { [url]: 1 }, /longer than 500 ms/],
  ["a reference to itself", { $ref: "#" }, {}, /refers to itself without end/],
  [
    "a long list of equal items",
    { properties: { list: { uniqueItems: true } } },
    { list: Array.from({ length: 100_000 }, () => 1) },
    /longer than 500 ms/,
  ],
] as const) {
  test(`a configuration's schema with ${what} is given up on`, () => {
    const manifest = parseManifest({ ...pkg, pouch: { ...pouch, configuration: schema } });
    assert.throws(() => checkConfiguration(manifest, value), problem);
  });
}

test("a configuration's schema has a size", () => {
  const configuration = { $comment: "x".repeat(70_000) };
  assert.throws(
    () => parseManifest({ ...pkg, pouch: { ...pouch, configuration } }),
    /pouch.configuration is not a JSON Schema: it has \d+ characters, at most 65536 are allowed/,
  );
});

test("a manifest with a list of the same name many thousand times is refused, and that soon", () => {
  const environment = Array.from({ length: 100_000 }, () => "HOME");
  assert.throws(
    () => parseManifest({ ...pkg, pouch: { ...pouch, environment } }),
    /bad manifest of plugin "demo": pouch.environment must not have more than 256 items/,
  );
});
