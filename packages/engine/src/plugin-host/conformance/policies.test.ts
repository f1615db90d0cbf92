import type { ContainerCreateConfig } from "@pouchcontainer/api";
import type { EngineError } from "@pouchcontainer/errors";
import { compileBodyChecks, parseManifest } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";
import { verifyCreate } from "../../containers/config/index.ts";
import { sampleConfigSettings, sampleFacts } from "../../containers/config/sample-settings.ts";
import { Canary, linksOf } from "../canary/canary.ts";
import { PluginHost } from "../plugin-host.ts";
import { PolicyPlugin } from "../policies/policy-plugin.ts";

/** What the suite asks of code, asked of rules in CEL: they have some of the points, and no process. */

/** By the name of the image they change, refuse, fail, yield garbage, do more, or come to no end. */
const rules = {
  validations: [
    { expression: "object.Image != 'refuse'", message: "refused by the plugin", reason: "Forbidden" },
    { expression: "object.Image != 'endless' || object.Env.all(a, object.Env.all(b, a != b || true))" },
  ],
  mutations: [
    {
      patchType: "ApplyConfiguration",
      applyConfiguration: {
        expression: `{
          "Labels": {"conformance": object.Image == 'throw' ? object.Labels['none'] : 'policy'},
          "Hostname": object.Image == 'more' ? 'more' : object.Hostname,
          "HostConfig": {"Memory": object.Image == 'garbage' ? -5 : object.HostConfig.Memory}
        }`,
      },
    },
  ],
};

const harmless = {
  mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression: '{"Labels": {"conformance": "old"}}' } }],
};

function policy(section: object, version = "1.0.0", pouch: object = {}): PolicyPlugin {
  const manifest = parseManifest({ name: "rules", version, pouch: { api: "1", points: ["container.preCreate"], ...pouch } });
  return new PolicyPlugin(manifest, section);
}

const permissions = { fields: { "container.preCreate": ["Labels.conformance", "HostConfig.Memory"] } };

function open(plugin: PolicyPlugin, mode: "active" | "shadow" = "active"): PluginHost {
  const quiet = (): void => undefined;
  const host = new PluginHost({
    checks: compileBodyChecks(),
    logOf: () => ({ debug: quiet, info: quiet, warn: quiet, error: quiet }),
    supervisorOf: () => assert.fail("a policy has no daemon points"),
    stateDirectoryOf: () => "/nowhere",
    verifiers: { "container.preCreate": (body) => verifyCreate(body, sampleFacts(), sampleConfigSettings()) },
  });
  host.add(plugin, mode);
  return host;
}

function config(Image: string): ContainerCreateConfig {
  const Env = Image === "endless" ? Array.from({ length: 1000 }, (_, index) => `NAME_${index}=`) : [];
  return sampleContainerConfig({ Image, Env, Hostname: "web", HostConfig: { Memory: 8 << 20 } });
}

const failures = {
  throw: /plugin "rules" at container\.preCreate: .*none/,
  garbage: /plugin "rules" at container\.preCreate: Minimum memory limit allowed is 6MB, since it changed .*HostConfig\.Memory$/,
  endless: /plugin "rules" at container\.preCreate: .*it takes more than 100000 steps/,
};

test("policy: a create body is changed and refused; failures name plugin and point, and what is not bounded is one", async () => {
  const host = open(policy(rules));
  assert.deepEqual((await host.preCreate(config("busybox"), {})).Labels, { conformance: "policy" });
  await assert.rejects(host.preCreate(config("refuse"), {}), {
    kind: "forbidden",
    message: `plugin "rules" at container.preCreate: refused by the plugin`,
  });
  for (const [image, message] of Object.entries(failures))
    await assert.rejects(host.preCreate(config(image), {}), (error: EngineError) => {
      assert.equal(error.kind, "internal", image);
      assert.match(error.message, message);
      return true;
    });
});

test("policy: garbage is the plugin's failure, and opens its circuit", async () => {
  const host = open(policy(rules));
  for (let call = 0; call < 5; call += 1) await assert.rejects(host.preCreate(config("garbage"), {}), failures.garbage);
  await assert.rejects(host.preCreate(config("busybox"), {}), /not called for another 30 s after 5 failures in a row/);
});

test("policy: what the manifest does not ask for is refused, and what it asks for is not", async () => {
  const host = open(policy(rules, "1.0.0", { permissions }));
  assert.deepEqual((await host.preCreate(config("busybox"), {})).Labels, { conformance: "policy" });
  await assert.rejects(host.preCreate(config("more"), {}), /at container\.preCreate: it changed Hostname without a grant/);
});

test("policy: in shadow mode its rules change and refuse nothing, and what they would do is traced", async () => {
  const host = open(policy(rules, "1.0.0", { permissions }), "shadow");
  for (const image of ["busybox", "refuse", "more", ...Object.keys(failures)]) {
    assert.deepEqual(await host.preCreate(config(image), {}), config(image));
    await host.shadowsOver();
  }
  const calls = host.trace.last();
  assert.ok(calls.every(({ shadow }) => shadow === true));
  assert.deepEqual(
    calls.map(({ outcome }) => outcome),
    ["changed", "refused", "failed", "failed", "failed", "failed"],
  );
});

test("policy: a canary answers, and what it fails the old version does", async () => {
  const host = open(policy(harmless));
  const instance = policy(rules, "2.0.0", { permissions });
  const slot = host.registry.get("rules") ?? assert.fail("no plugin");
  const canary = new Canary({
    instance,
    options: { sharePercent: 99, failures: { calls: 100 } },
    links: linksOf(host.registry, slot, instance),
    since: 0,
    random: () => 0,
    warn: () => undefined,
    passed: (reason) => assert.fail(reason),
  });
  slot.canary = canary;
  const made = async (image: string): Promise<unknown> => (await host.preCreate(config(image), {})).Labels;
  assert.deepEqual(await made("busybox"), { conformance: "policy" });
  await assert.rejects(made("refuse"), { kind: "forbidden" });
  for (const image of ["more", ...Object.keys(failures)]) assert.deepEqual(await made(image), { conformance: "old" }, image);
  const versions = host.trace.last().map(({ version, outcome }) => `${version} ${outcome}`);
  assert.deepEqual(versions.slice(0, 4), ["2.0.0 changed", "2.0.0 failed", "2.0.0 failed", "1.0.0 changed"]);
  const { Calls, Failures, Crashes } = canary.facts;
  assert.deepEqual([Calls, Failures, Crashes], [6, 4, 0]);
});
