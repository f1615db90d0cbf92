import assert from "node:assert/strict";
import { test } from "node:test";
import { create, refused, valid } from "./try-policy.ts";

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
