import assert from "node:assert/strict";
import { test } from "node:test";
import { cloneJson, type PointRequest } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import type { PolicySection } from "./policy-schema.ts";
import { context, create, policy, refused, valid } from "./try-policy.ts";

test("evaluation is bounded, whatever the rule does, and the rule is named", () => {
  const Env = Array.from({ length: 3000 }, (_, index) => `NAME_${index}=${"x".repeat(20)}`);
  const big = { Image: "a".repeat(200_000), Env, Labels: Object.fromEntries(Env.map((name) => [name, name])) };
  const endless = [
    "object.Env.all(a, object.Env.all(b, a != b || true))",
    "object.Env.exists(a, object.Env.exists(b, object.Env.exists(c, false)))",
    "object.Env.all(a, object.Env.exists(b, true))",
    "object.Env.map(a, object.Env.map(b, object.Env)).size() > 0",
    "object.Env.all(a, object == object)",
    "object.Env.all(a, 'none' in object.Env || true)",
    "object.Env.all(a, object.Image.matches('(a+)+$') || true)",
    "object.Env.all(a, object.Image.substring(0, 5000).matches('((a{10}b*){10}c?){10}') || true)",
    "object.Env.all(a, object.Image.contains('aaaaaaaaaaaaaaaaab') || true)",
    "object.Env.all(a, object.Image.matches('x' + a) || true)",
    "object.Env.all(a, (object.Env + object.Env).size() > 0)",
    "object.Env.all(a, dyn(object.Labels)[1] == 2 || true)",
    "object.Env.all(a, object.Image.lowerAscii().size() > 0 || true)",
    "true || object.Env.all(a, object.Env.all(b, object.Env.all(c, true)))",
  ];
  for (const expression of endless.slice(0, -1))
    assert.match(
      refused(expression, big),
      /policy\.validations\[0\]\.expression failed: it takes more than 100000 steps/,
      expression,
    );
  assert.ok(valid(endless.at(-1) ?? "", big));
});

test("a large body of a usual kind is within the bounds", () => {
  const Env = Array.from({ length: 500 }, (_, index) => `NAME_${index}=${"x".repeat(index === 0 ? 100_000 : 500)}`);
  const Mounts = Array.from({ length: 100 }, (_, index) => ({ Type: "bind", Source: `/srv/${index}`, Target: `/data/${index}` }));
  const config = { Image: "registry.example.com/team/app:1", Env, HostConfig: { Mounts } };
  assert.ok(valid("object.Env.all(e, !e.startsWith('LD_PRELOAD=') && !e.contains('password'))", config));
  assert.ok(
    valid("object.HostConfig.Mounts.all(m, ['/srv/', '/data/', '/var/lib/app/'].exists(p, m.Source.startsWith(p)))", config),
  );
  assert.ok(valid("object.Env.map(e, e.split('=')[0]).filter(name, name.matches('^[A-Z_0-9]+$')).size() == 500", config));
});

type Mutations = NonNullable<PolicySection["mutations"]>;

const jsonPatch = (expression: string): Mutations[number] => ({ patchType: "JSONPatch", jsonPatch: { expression } });
const merge = (expression: string): Mutations[number] => ({
  patchType: "ApplyConfiguration",
  applyConfiguration: { expression },
});

test("mutations copy what they change and nothing else, each part once, and leave what they were given as it is", () => {
  const Env = Array.from({ length: 100 }, (_, index) => `NAME_${index}=x`);
  const Labels = Object.fromEntries(Env.map((name) => [name, name]));
  const HostConfig = { Ulimits: [{ Name: "nofile", Soft: 1, Hard: 1 }], Dns: ["192.0.2.1"] };
  const config = sampleContainerConfig({ Env, Labels, HostConfig });
  const given = cloneJson(config);
  const mutations = [
    jsonPatch(`[JSONPatch{op: "add", path: "/Labels/a", value: "1"}, JSONPatch{op: "remove", path: "/Labels/NAME_0=x"}]`),
    merge(`Object{Labels: {"b": "2", "NAME_1=x": null}}`),
    jsonPatch(`[JSONPatch{op: "replace", path: "/HostConfig/Ulimits/0/Soft", value: 2}]`),
    jsonPatch(`[JSONPatch{op: "replace", path: "/HostConfig/Ulimits/0/Hard", value: 3}]`),
  ];
  const request: PointRequest<"container.preCreate"> = { config };
  const { config: changed } = policy({ mutations }).invoke("container.preCreate", request, context) as typeof request;
  assert.deepEqual(config, given);
  const { "NAME_0=x": _first, "NAME_1=x": _second, ...others } = Labels;
  assert.deepEqual(changed, {
    ...given,
    Labels: { ...others, a: "1", b: "2" },
    HostConfig: { ...HostConfig, Ulimits: [{ Name: "nofile", Soft: 2, Hard: 3 }] },
  });
  assert.equal(changed.Env, config.Env);
  assert.equal(changed.HostConfig?.Dns, config.HostConfig?.Dns);
});

test("what mutations do to a large body is within the bounds, however many there are, and takes no more than these", () => {
  const Env = Array.from({ length: 5000 }, (_, index) => `NAME_${index}=x`);
  const Labels = Object.fromEntries(Env.map((name) => [name, name]));
  const many = Array.from({ length: 100 }, (_, index) =>
    jsonPatch(
      `[JSONPatch{op: "add", path: "/Labels/a${index}", value: "x"}, JSONPatch{op: "add", path: "/Env/-", value: "A=1"}]`,
    ),
  );
  const { Env: grown = [] } = create({ mutations: many }, { Env, Labels }) as { Env?: string[] };
  assert.equal(grown.length, 5100);
  const refusal = (expression: string): string => {
    const small = { Env, Labels: {} };
    try {
      create({ mutations: [jsonPatch(expression)] }, small);
    } catch (error) {
      return (error as Error).message;
    }
    return assert.fail(`${expression} was not refused`);
  };
  const atFront = refusal(`object.Env.map(e, JSONPatch{op: "add", path: "/Env/0", value: e})`);
  assert.match(
    atFront,
    /policy\.mutations\[0\]\.jsonPatch\.expression failed: operation \d+ of the patch: it takes more than 100000/,
  );
  const long = refusal(`[JSONPatch{op: "add", path: "/" + object.Env.join("/"), value: "x"}]`);
  assert.match(long, /its path has \d+ characters; at most 8192 are read/);
});

test("what a rule asks of a large object is paid for anew after each mutation", () => {
  const Labels = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`NAME_${index}`, "x"]));
  const sizes = merge(`object.Labels.size() > 0 ? Object{Hostname: "big"} : Object{}`);
  assert.throws(() => create({ mutations: Array.from({ length: 100 }, () => sizes) }, { Labels }), {
    message: /^policy\.mutations\[\d+\]\.applyConfiguration\.expression failed: it takes more than 100000 steps/,
  });
  create({ mutations: Array.from({ length: 20 }, () => sizes) }, { Labels });
});

test("texts do not grow without end, and numbers are not read of long ones", () => {
  const variables = Array.from({ length: 40 }, (_, index) => ({
    name: `v${index + 1}`,
    expression: index === 0 ? "object.Image" : `variables.v${index} + variables.v${index}`,
  }));
  const grows = { variables, validations: [{ expression: "variables.v40 != ''" }] };
  assert.throws(() => create(grows, { Image: "x".repeat(1000) }), {
    kind: "internal",
    message: /policy\.variables\[\d+\]\.expression failed: it makes more than 1048576 characters/,
  });
  assert.match(refused("int(object.Image) > 0", { Image: "9".repeat(1000) }), /at most 64 are read/);
  assert.match(refused("object.Image.replace('x', object.Image) == ''", { Image: "x".repeat(5000) }), /it makes more than/);
});
