import { pointNames, type PointName } from "@pouchcontainer/plugin-sdk";
import { entryOf, parseManifest, type PointRequest } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadPolicy } from "./index.ts";
import { PolicyPlugin } from "./policy-plugin.ts";
import type { PolicySection } from "./policy-schema.ts";
import { context, create, made, policy, refused, valid } from "./try-policy.ts";

test("a validation refuses in its own words, and as its reason says", () => {
  const validations = [
    { expression: "object.Image != ''", message: "an image is needed" },
    {
      expression: "object.Image.startsWith('registry.example.com/')",
      messageExpression: "'image ' + object.Image + ' of ' + request.container.name + ' is not ours'",
      reason: "Forbidden" as const,
    },
  ];
  create({ validations }, { Image: "registry.example.com/app" });
  assert.throws(() => create({ validations }, { Image: "busybox" }), {
    kind: "forbidden",
    message: "image busybox of web is not ours",
  });
  assert.throws(() => create({ validations: [{ expression: "object.Image == ''" }] }), {
    kind: "invalidArgument",
    message: "failed expression: object.Image == ''",
  });
});

test("a policy that names a program, or a process to run in, is refused with the key to leave out", async () => {
  for (const [key, value] of Object.entries({ command: ["python3"], sharedProcess: "team-a" })) {
    const pouch = { api: "1", points: ["container.preCreate"], [key]: value };
    const manifest = parseManifest({ name: "rules", version: "1.0.0", pouch });
    const message = new RegExp(`^policy "rules": it runs .*, leave out pouch.${key}$`);
    await assert.rejects(loadPolicy(manifest, { policy: {} }), { kind: "invalidArgument", message });
  }
});

test("a message that cannot be made is the fixed one, or says the expression", () => {
  const messageExpression = "'label ' + object.Labels['none']";
  const refuse =
    (message: object): (() => unknown) =>
    () =>
      create({ validations: [{ expression: "false", messageExpression, ...message }] }, { Labels: {} });
  assert.throws(refuse({ message: "no label" }), { message: "no label" });
  assert.throws(refuse({}), { message: "failed expression: false" });
});

test("rules may be about every point that changes or asks, and about no other", () => {
  for (const point of pointNames) {
    const { rule, args, answer } = entryOf(point);
    const make = (): PolicyPlugin =>
      policy({ validations: [{ expression: "request.point == 'none'", message: "told" }] }, [point]);
    if (rule !== "changes" && rule !== "asks") {
      assert.throws(make, { kind: "invalidArgument", message: /has no body that rules could be about/ }, point);
      continue;
    }
    const request = Object.fromEntries(args.map(({ name }) => [name, {}])) as PointRequest<PointName>;
    assert.throws(() => make().invoke(point, request, context), { message: "told" }, point);
    const passing = policy({ validations: [{ expression: `request.point == '${point}'` }] }, [point]);
    assert.deepEqual(passing.invoke(point, request, context), answer === undefined ? {} : { [answer.name]: {} });
  }
});

test("rules are about calls that all match conditions are true for", () => {
  const section = {
    matchConditions: [{ name: "privileged", expression: "has(object.HostConfig.Privileged) && object.HostConfig.Privileged" }],
    validations: [{ expression: "false", message: "no" }],
  };
  create(section, { HostConfig: {} });
  create(section, { HostConfig: { Privileged: false } });
  assert.throws(() => create(section, { HostConfig: { Privileged: true } }), { message: "no" });
});

test("a mutation is merged, or a patch; each sees the one before, and validations what comes out", () => {
  const section: PolicySection = {
    variables: [{ name: "limit", expression: "object.HostConfig.Memory * 2" }],
    mutations: [
      {
        patchType: "ApplyConfiguration",
        applyConfiguration: {
          expression: "Object{HostConfig: Object.HostConfig{Memory: 64 * 1024, Binds: ['/c:/c'], CpuShares: null}}",
        },
      },
      {
        patchType: "JSONPatch",
        jsonPatch: {
          expression:
            "[JSONPatch{op: 'add', path: '/Labels/' + jsonpatch.escapeKey('example.com/a~b'), value: string(variables.limit)}, JSONPatch{op: 'add', path: '/HostConfig/Binds/-', value: '/d:/d'}, JSONPatch{op: 'remove', path: '/Env/0'}]",
        },
      },
    ],
    validations: [{ expression: "object.HostConfig.Binds.size() == 2 && variables.limit == 131072" }],
  };
  const config = {
    Image: "a",
    Env: ["A=1", "B=2"],
    Labels: {},
    HostConfig: { Memory: 1, CpuShares: 5, Binds: ["/x:/x"], PidsLimit: 7 },
  };
  assert.deepEqual(create(section, config), {
    ...sampleContainerConfig(config),
    Env: ["B=2"],
    Labels: { "example.com/a~b": "131072" },
    HostConfig: { Memory: 65536, Binds: ["/c:/c", "/d:/d"], PidsLimit: 7 },
  });
});

test("a member that is null is not there; a whole number is an int, any other a double", () => {
  const config = { Image: "a", Labels: null, Env: null, HostConfig: { Memory: 9, Binds: null } };
  assert.ok(valid("!has(object.Labels) && !has(object.Env) && !has(object.HostConfig.Binds)", config));
  assert.match(
    refused("object.HostConfig.Binds.size() == 0", config),
    /validations\[0\]\.expression failed: field not found: Binds/,
  );
  assert.ok(valid("object.HostConfig.Memory / 2 == 4 && double(object.HostConfig.Memory) / 2.0 == 4.5", config));
  assert.ok(
    valid("type(object.HostConfig.Memory) == int && object.HostConfig.Memory < 9.5 && object.HostConfig.Memory == 9u", config),
  );
  assert.deepEqual(made("[1, 2.5, 3u, 'x', true, {'a': [null]}]"), [1, 2.5, 3, "x", true, { a: [null] }]);
});

test("what JSON has not cannot be the answer of a mutation", () => {
  assert.throws(() => made("b'x'"), {
    kind: "internal",
    message: /mutations\[0\]\.applyConfiguration\.expression failed: bytes/,
  });
  assert.throws(() => made("9007199254740993"), /more than a number in JSON holds/);
  assert.throws(() => made("{1: 2}"), /a key of an object has to be a string/);
  assert.throws(() => made("1.0 / 0.0"), /Infinity is a number that JSON has not/);
});

test("macros go through lists and maps, and lists they make are lists", () => {
  const config = { Env: ["A=1", "B=2", "C=3"], Labels: { team: "x", tier: "y" } };
  assert.deepEqual(made("object.Env.filter(e, !e.startsWith('B')).map(e, e.split('=')[0])", config), ["A", "C"]);
  assert.deepEqual(made("object.Env.map(e, object.Env.filter(f, f != e).size())", config), [2, 2, 2]);
  assert.deepEqual(made("object.Labels.map(name, name + '=' + object.Labels[name])", config), ["team=x", "tier=y"]);
  assert.deepEqual(made("([1] + [2, 3]).map(x, x * 2)"), [2, 4, 6]);
  assert.equal(made("object.Env.join(',').replace('=', ':')", config), "A:1,B:2,C:3");
  assert.ok(
    valid("object.Env.exists_one(e, e == 'B=2') && 'team' in object.Labels && object.Image.matches('(?i)^BUSY')", {
      ...config,
      Image: "busybox",
    }),
  );
});

test("the operator's settings are params", () => {
  const configuration = { type: "object", properties: { registries: { type: "array", items: { type: "string" } } } };
  const manifest = parseManifest({ name: "p", version: "1.0.0", pouch: { api: "1", points: ["image.postPull"], configuration } });
  const section = {
    validations: [{ expression: "params.registries.exists(r, object.reference.startsWith(r)) && request.snapshotter != ''" }],
  };
  const plugin = new PolicyPlugin(manifest, section, { registries: ["registry.example.com/"] });
  const image = {
    digest: "sha256:0",
    platform: "linux/amd64",
    sizeBytes: 1,
    config: {},
    unpack: async () => undefined,
    isUnpacked: async () => true,
  };
  const pull = (reference: string): unknown =>
    plugin.invoke("image.postPull", { snapshotter: "overlayfs", image: { ...image, reference } }, context);
  assert.deepEqual(pull("registry.example.com/app"), {});
  assert.throws(() => pull("busybox"), { kind: "invalidArgument" });
});

test("members that an object has of its prototype are none of a body", () => {
  assert.match(refused("object.Labels['constructor'] == ''", { Labels: {} }), /field not found: constructor/);
  const patch = "[JSONPatch{op: 'add', path: '/Labels/__proto__', value: 'x'}]";
  const config = create({ mutations: [{ patchType: "JSONPatch", jsonPatch: { expression: patch } }] }, { Labels: {} });
  assert.deepEqual(Object.keys((config as { Labels: object }).Labels), ["__proto__"]);
  const merge = {
    mutations: [
      { patchType: "ApplyConfiguration" as const, applyConfiguration: { expression: "{'Labels': {'__proto__': 'x'}}" } },
    ],
  };
  assert.deepEqual(Object.keys((create(merge, { Labels: {} }) as { Labels: object }).Labels), ["__proto__"]);
});

test("a patch that leads nowhere says where", () => {
  const patch =
    (operation: string): (() => unknown) =>
    () =>
      create(
        { mutations: [{ patchType: "JSONPatch", jsonPatch: { expression: `[${operation}]` } }] },
        { Env: ["A=1"], Labels: {} },
      );
  assert.throws(
    patch("JSONPatch{op: 'replace', path: '/Labels/a', value: 'b'}"),
    /operation 0 of the patch: there is nothing at \/Labels\/a to replace/,
  );
  assert.throws(
    patch("JSONPatch{op: 'add', path: '/Healthcheck/Test/0', value: 'b'}"),
    /there is nothing at \/Healthcheck\/Test to add something in/,
  );
  assert.throws(patch("JSONPatch{op: 'remove', path: '/Env/1'}"), /1 is no place in the list at \/Env\/1, which has 1/);
  assert.throws(patch("JSONPatch{op: 'move', path: '/Env/1'}"), /op has to be add, replace or remove, got "move"/);
  assert.throws(patch("JSONPatch{op: 'add', path: 'Env'}"), /path has to be a JSON pointer/);
});
