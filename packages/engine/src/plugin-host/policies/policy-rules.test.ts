import type { PointName } from "@pouchcontainer/plugin-sdk";
import assert from "node:assert/strict";
import { test } from "node:test";
import { policy } from "./try-policy.ts";

test("a rule that is wrong is refused with place, position and what would be right", () => {
  const problem = (section: unknown, points?: PointName[]): string => {
    try {
      policy(section, points);
    } catch (error) {
      return (error as Error).message;
    }
    return assert.fail("it was taken");
  };
  const rule = (expression: string): string => problem({ validations: [{ expression }] });
  const at = 'policy "p": policy.validations[0].expression, ';
  assert.equal(
    rule("object.Imag == ''"),
    `${at}line 1, column 7: there is no field Imag; there is Image, InitScript, HostConfig, NetworkingConfig, Hostname, … (at container.preCreate)`,
  );
  assert.match(rule("true &&\n object.HostConfig.Memry > 5"), /line 2, column 19: there is no field Memry; there is Memory, /);
  assert.match(rule("has(object.HostConfig.Nope)"), /there is no field Nope/);
  assert.match(rule("object.HostConfig.Mounts.all(m, m.Sorce != '')"), /there is no field Sorce; there is Source, /);
  assert.match(
    rule("objekt.Image == ''"),
    /line 1, column 1: there is no variable objekt; there is object, request, params, variables/,
  );
  assert.match(rule("params.allowed == ''"), /there is no field allowed; there are none here/);
  assert.match(rule("variables.x"), /there is no field x/);
  assert.match(rule("object.Image.beginsWith('x')"), /there is no function beginsWith/);
  assert.match(
    rule("object.Image.startsWith(5)"),
    /there is no string\.startsWith\(int\); there is string\.startsWith\(string\)/,
  );
  assert.match(rule("object.Image > 5"), /there is no _>_\(string, int\)/);
  assert.match(rule("object.Image || true"), /\|\| takes a bool, this is a string/);
  assert.match(rule("object.Image.exists(x, true)"), /a macro goes through a list or a map, this is a string/);
  assert.match(rule("object.Image"), /has to be a bool, and is a string/);
  assert.match(rule("object.Image.matches('(a')"), /line 1, column 22: .*missing closing \)/);
  assert.match(rule("object.Image =="), /line 1, column \d+: found/);
  assert.match(rule(`${"(".repeat(2000)}true${")".repeat(2000)}`), /validations\[0\]\.expression is nested too deeply/);
  const long = Array.from({ length: 20 }, () => ({ expression: `'${"x".repeat(2000)}' != ''` }));
  assert.match(problem({ validations: long }), /policy has \d+ characters; at most 32768 are allowed/);
  assert.match(rule("'x".repeat(3000)), /has 6000 characters; at most 4096 are allowed/);
  const mutation = (expression: string): string =>
    problem({ mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression } }] });
  assert.match(mutation("Object{HostConfig: Object.HostConfig{Memry: 5}}"), /there is no field Memry; there is Memory/);
  assert.match(mutation("Thing{a: 5}"), /there is no type Thing; there is Object, Object\.FIELD and JSONPatch/);
  assert.match(problem({ validations: [{ expresion: "true" }] }), /^policy "p": policy\.validations\[0\] must/);
  assert.match(problem({}), /neither mutations nor validations/);
  assert.match(
    problem({ validations: [{ expression: "true" }] }, ["daemon.preStartHook"]),
    /pouch\.points: daemon\.preStartHook has no body/,
  );
  assert.match(
    problem({ mutations: [{ patchType: "JSONPatch", jsonPatch: { expression: "[]" } }] }, ["container.validateCreate"]),
    /nothing can be changed at container\.validateCreate/,
  );
});
