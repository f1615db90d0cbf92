import {
  ContainerUpdateConfig,
  decodeBody,
  type ContainerCreateConfig,
  type ContainerInspect,
  type HandlerSpec,
} from "@pouchcontainer/api";
import { forbidden, invalidArgument, notFound, type EngineError } from "@pouchcontainer/errors";
import {
  jsonStream,
  readJson,
  registerContainerPlugin,
  rewriteJson,
  type ContainerPlugin,
  type Endpoint,
  type PulledImage,
  type ResolvedPoint,
} from "@pouchcontainer/plugin-sdk";
import { parseManifest, type PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { InProcessPlugin } from "@pouchcontainer/plugin-sdk/host";
import { dryRun } from "./dry-run.ts";
import { body, checks, harness } from "./host-harness.ts";
import type { TraceEntry } from "./trace.ts";

const endpoint: Endpoint = {
  networkName: "web",
  networkId: "n1",
  driver: "bridge",
  priority: 0,
  disableResolver: false,
  genericParams: {},
  aliases: [],
  dns: [],
  dnsSearch: [],
  dnsOptions: [],
  driverOptions: {},
};

test("without plugins a body passes through as it is, not as a copy", async () => {
  const { host } = harness();
  const config = body();
  assert.equal(await host.preCreate(config, {}), config);
});

test("bigger priority runs first, then the configured order, then the name", async () => {
  const { host, add } = harness({ order: ["zeta", "eta"] });
  const called: string[] = [];
  for (const [name, priority] of [
    ["alpha", 0],
    ["eta", 0],
    ["zeta", 0],
    ["last", -5],
    ["first", 7],
  ] as const) {
    add(name, "container", { preCreate: () => void called.push(name) }, { priority });
  }
  await host.preCreate(body(), {});
  assert.deepEqual(called, ["first", "zeta", "eta", "alpha", "last"]);
});

test("each plugin sees what those before it changed, and the caller's body stays as it was", async () => {
  const { host, add } = harness();
  add("one", "container", { preCreate: (config) => void config.Env?.push("B=2") }, { priority: 2 });
  add(
    "two",
    "container",
    { preCreate: (config) => ({ ...config, HostConfig: { Memory: (config.Env ?? []).length } }) },
    { priority: 1 },
  );
  const before = body();
  const after = await host.preCreate(before, { containerId: "c1" });
  assert.deepEqual(after, { Image: "busybox", Env: ["A=1", "B=2"], HostConfig: { Memory: 2 } });
  assert.deepEqual(before, body());
  assert.deepEqual(
    host.trace.ofContainer("c1").map(({ plugin, outcome, patch }) => ({ plugin, outcome, patch })),
    [
      { plugin: "one", outcome: "changed", patch: [{ op: "add", path: "/Env/1", value: "B=2" }] },
      { plugin: "two", outcome: "changed", patch: [{ op: "add", path: "/HostConfig/Memory", value: 2 }] },
    ],
  );
});

test("a draft that a plugin keeps and changes later changes nothing", async () => {
  const { host, add } = harness();
  let kept: ContainerCreateConfig | undefined;
  add("keeper", "container", {
    preCreate: (config) => {
      kept = config;
      config.Image = "kept";
    },
  });
  const after = await host.preCreate(body(), {});
  if (kept !== undefined) kept.Image = "stolen";
  assert.equal(after.Image, "kept");
});

test("an invalid field is refused with plugin, point, field and value, and leaves no trace in the body", async () => {
  const { host, add } = harness();
  add("legacy-env", "container", { preCreate: (config) => ({ ...config, HostConfig: { Memory: "lots" as unknown as number } }) });
  await assert.rejects(host.preCreate(body(), {}), (error: EngineError) => {
    assert.equal(error.message, 'plugin "legacy-env" at container.preCreate: HostConfig.Memory must be integer, got "lots"');
    assert.deepEqual(
      [error.details["plugin"], error.details["point"], error.details["field"]],
      ["legacy-env", "container.preCreate", "/HostConfig/Memory"],
    );
    return true;
  });
});

test("a plugin whose failures are ignored leaves no trace in the body and the next one still runs", async () => {
  const { host, add, log } = harness();
  add(
    "broken",
    "container",
    {
      preCreate: (config) => {
        config.Image = "half done";
        throw new Error("boom");
      },
    },
    { failurePolicy: "ignore", priority: 1 },
  );
  add("next", "container", { preCreate: (config) => void (config.Hostname = config.Image ?? "") });
  const after = await host.preCreate(body(), {});
  assert.deepEqual([after.Image, after.Hostname], ["busybox", "busybox"]);
  assert.equal(host.trace.last()[0]?.outcome, "ignored");
  assert.match(log[0] ?? "", /plugin "broken" at container.preCreate: boom; ignored/);
});

test("a plugin that never answers fails at its deadline, its signal aborts, and it stays registered", async () => {
  const { host, add } = harness();
  let aborted = false;
  const plugin: ContainerPlugin = {
    preCreate: (_config, { signal }) =>
      new Promise(() =>
        signal.addEventListener("abort", () => {
          aborted = true;
        }),
      ),
  };
  add("slow", "container", plugin, { timeoutMs: 20 });
  await assert.rejects(host.preCreate(body(), {}), {
    kind: "deadlineExceeded",
    message: 'plugin "slow" at container.preCreate: no answer within 20 ms',
  });
  assert.equal(aborted, true);
  assert.equal(host.trace.last()[0]?.outcome, "timeout");
  assert.equal(host.registry.chain("container.preCreate").length, 1);
});

test("a caller who gives up ends the call, and the plugin is not blamed", async () => {
  const { host, add } = harness();
  add("slow", "container", { preCreate: () => new Promise(() => undefined) });
  const controller = new AbortController();
  const running = host.preCreate(body(), { signal: controller.signal });
  setImmediate(() => controller.abort());
  await assert.rejects(running, /the operation was cancelled/);
  assert.equal(host.registry.chain("container.preCreate")[0]?.breaker.isOpen, false);
});

test("the circuit opens after five failures and closes after the cool-down", async () => {
  const { host, add, events, clock } = harness();
  let calls = 0;
  add("flaky", "container", {
    preCreate: () => {
      calls += 1;
      if (calls <= 5) throw new Error("down");
    },
  });
  for (let round = 0; round < 5; round += 1) await assert.rejects(host.preCreate(body(), {}), /down/);
  await assert.rejects(host.preCreate(body(), {}), {
    kind: "unavailable",
    message: /not called for another 30 s after 5 failures in a row, the last: down/,
  });
  assert.equal(calls, 5);
  clock.now += 30_000;
  await host.preCreate(body(), {});
  assert.deepEqual(
    events.map((event) => event.action),
    ["circuit-open", "circuit-closed"],
  );
});

test("a trial that is cancelled leaves the circuit open, one that is refused closes it", async () => {
  const { host, add, events, clock } = harness();
  let answer: () => unknown = () => assert.fail("down");
  add("flaky", "container", { validateCreate: async () => void (await answer()) });
  for (let round = 0; round < 5; round += 1) await assert.rejects(host.preCreate(body(), {}), /down/);
  clock.now += 30_000;

  const controller = new AbortController();
  answer = () => new Promise(() => setImmediate(() => controller.abort()));
  await assert.rejects(host.preCreate(body(), { signal: controller.signal }), { kind: "cancelled" });
  answer = () => {
    throw forbidden("not this one");
  };
  await assert.rejects(host.preCreate(body(), {}), { kind: "forbidden" });
  answer = () => undefined;
  await host.preCreate(body(), {});
  assert.deepEqual(
    events.map((event) => event.action),
    ["circuit-open", "circuit-closed"],
  );
});

test("failures with a refusal between them are none in a row", async () => {
  const { host, add } = harness();
  let calls = 0;
  add("mixed", "container", {
    validateCreate: () => {
      calls += 1;
      throw calls % 5 === 0 ? forbidden("no") : new Error("down");
    },
  });
  for (let round = 0; round < 12; round += 1) await assert.rejects(host.preCreate(body(), {}), /validateCreate: (no|down)$/);
});

test("a refusal keeps its kind and never opens the circuit", async () => {
  const { host, add } = harness();
  add("policy", "container", {
    validateCreate: (config) => {
      if (config.HostConfig.Privileged === true) throw forbidden("no privileged containers here");
    },
  });
  for (let round = 0; round < 8; round += 1) {
    await assert.rejects(host.preCreate(body({ HostConfig: { Privileged: true } }), {}), {
      kind: "forbidden",
      message: 'plugin "policy" at container.validateCreate: no privileged containers here',
    });
  }
  await host.preCreate(body(), {});
});

test("a validate point sees the final body and cannot change it", async () => {
  const { host, add } = harness();
  let seen: unknown;
  add("changer", "container", { preCreate: (config) => void (config.Hostname = "h") });
  add("looker", "container", {
    validateCreate: (config) => {
      seen = config.Hostname;
      (config as ContainerCreateConfig).Image = "x";
    },
  });
  await assert.rejects(
    host.preCreate(body(), {}),
    /plugin "looker" at container.validateCreate: Cannot assign to read only property 'Image'/,
  );
  assert.equal(seen, "h");
});

test("two plugins that set one field differently are a conflict: recorded by default", async () => {
  const { host, add, log, events } = harness();
  add("a", "container", { preCreate: (config) => void (config.HostConfig.Memory = 1) }, { priority: 1 });
  add("b", "container", { preCreate: (config) => void (config.HostConfig.Memory = 2) });
  assert.equal((await host.preCreate(body(), {})).HostConfig.Memory, 2);
  assert.deepEqual(host.trace.last()[1]?.conflicts, [
    { field: "HostConfig.Memory", first: { plugin: "a", value: 1 }, second: { plugin: "b", value: 2 } },
  ]);
  assert.equal(log[0], 'plugins disagree about HostConfig.Memory: "a" sets it to 1, "b" sets it to 2');
  assert.equal(events[0]?.action, "conflict");
});

test("an answer that is looked at for too long has written nothing that others could disagree with", async () => {
  const late = Promise.withResolvers<void>();
  const verify = ({ HostConfig }: ContainerCreateConfig): Promise<void> | undefined =>
    HostConfig.Memory === 1 ? late.promise : undefined;
  const { host, add } = harness({ verifiers: { "container.preCreate": verify } });
  const first = { preCreate: (config: ContainerCreateConfig) => void (config.HostConfig.Memory = 1) };
  add("a", "container", first, { priority: 2, failurePolicy: "ignore", timeoutMs: 20 });
  const second = async (config: ContainerCreateConfig): Promise<void> => {
    config.HostConfig.Memory = 2;
    late.resolve();
    await nextTurn();
    await nextTurn();
  };
  add("b", "container", { preCreate: second });
  assert.equal((await host.preCreate(body(), {})).HostConfig.Memory, 2);
  assert.deepEqual(
    host.trace.last().map(({ outcome, conflicts }) => [outcome, conflicts]),
    [
      ["ignored", undefined],
      ["changed", undefined],
    ],
  );
});

test("a conflict is an error where the configuration says so, also about a variable that moved, its value masked", async () => {
  const { host, add } = harness({ onConflict: "error" });
  add("a", "container", { preCreate: (config) => void config.Env?.push("TOKEN=one") }, { priority: 1 });
  add("b", "container", {
    preCreate: (config) => ({ ...config, Env: ["FIRST=1", ...(config.Env ?? []).map((entry) => entry.replace("=one", "=two"))] }),
  });
  await assert.rejects(host.preCreate(body(), {}), {
    kind: "conflict",
    message:
      'plugin "b" at container.preCreate: plugins disagree about Env: "a" sets it to "TOKEN=***", "b" sets it to "TOKEN=***"',
  });
});

test("what a conflict kept out was never written: the next plugin disagrees with the one whose value stands", async () => {
  const sets = (value: number): ContainerPlugin => ({ preCreate: (config) => void (config.HostConfig.Memory = value) });
  const strict = { onConflict: "error", failurePolicy: "ignore" } as const;
  const { host, add } = harness();
  add("a", "container", sets(1), { priority: 3 });
  add("b", "container", sets(2), { priority: 2, ...strict });
  add("c", "container", sets(2), { priority: 1, ...strict });
  assert.equal((await host.preCreate(body(), {})).HostConfig.Memory, 1);
  assert.deepEqual(
    host.trace.last().map(({ plugin, outcome }) => `${plugin} ${outcome}`),
    ["a changed", "b ignored", "c ignored"],
  );
});

test("two plugins that add to one list, or set one value alike, are no conflict", async () => {
  const { host, add } = harness({ onConflict: "error" });
  for (const name of ["a", "b"]) {
    add(name, "container", {
      preCreate: (config) => {
        config.Env?.push(`FROM_${name}=1`);
        config.Hostname = "same";
      },
    });
  }
  assert.deepEqual((await host.preCreate(body(), {})).Env, ["A=1", "FROM_a=1", "FROM_b=1"]);
});

test("an unmatched filter keeps a plugin out of the call", async () => {
  const { host, add } = harness();
  add("legacy", "container", { preCreate: (config) => void (config.Hostname = "legacy") }, { filters: { env: ["LEGACY_*"] } });
  assert.equal((await host.preCreate(body(), {})).Hostname, undefined);
  assert.equal((await host.preCreate(body({ Env: ["LEGACY_MEM=1"] }), {})).Hostname, "legacy");
  assert.equal(host.trace.last().length, 1);
});

test("the trace masks values of variables unless they are asked for", async () => {
  const { host, add } = harness();
  add("secret", "container", { preCreate: (config) => void config.Env?.push("TOKEN=hunter2") });
  await host.preCreate(body(), {});
  assert.deepEqual(host.trace.last()[0]?.patch, [{ op: "add", path: "/Env/1", value: "TOKEN=***" }]);
  assert.deepEqual(host.trace.last({ reveal: true })[0]?.patch, [{ op: "add", path: "/Env/1", value: "TOKEN=hunter2" }]);
});

test("of a large patch the trace keeps a part, and says how much it left out", async () => {
  const { host, add } = harness();
  const size = 8 << 20;
  add("large", "container", {
    preCreate: (config) => {
      config.Labels = { first: "1", huge: "x".repeat(size), last: "2" };
    },
  });
  const calls: TraceEntry[] = [];
  const made = await host.preCreate(body({ Labels: {} }), { calls });
  assert.equal(made.Labels?.["huge"]?.length, size);
  const [entry] = host.trace.last({ reveal: true });
  assert.deepEqual(entry?.patch, [
    { op: "add", path: "/Labels/first", value: "1" },
    { op: "add", path: "/Labels/huge" },
    { op: "add", path: "/Labels/last", value: "2" },
  ]);
  assert.deepEqual(entry.patchCut, { operations: 0, bytes: size + 2 });
  assert.ok(JSON.stringify([host.trace.last(), calls]).length < 10_000);
});

test("of many operations the trace keeps the first ones, and of many containers the last ones", async () => {
  const { host, add } = harness();
  add("many", "container", {
    preCreate: (config) => void (config.Env = Array.from({ length: 2000 }, (_, n) => `V${n}=${"x".repeat(100)}`)),
  });
  for (let n = 0; n < 1100; n++) await host.preCreate(body(), { containerId: `c${n}` });
  const [entry] = host.trace.last({ limit: 1 });
  const kept = entry?.patch?.length ?? 0;
  assert.ok(kept > 100 && kept < 400, `${kept} operations`);
  assert.ok((entry?.patchCut?.operations ?? 0) > 1000);
  const characters = Array.from({ length: 1100 }, (_, n) => JSON.stringify(host.trace.ofContainer(`c${n}`)).length);
  assert.equal(characters[0], 2);
  assert.ok((characters.at(-1) ?? 0) > 10_000);
  assert.ok(characters.reduce((sum, one) => sum + one) < 40 << 20);
});

test("of many conflicts the trace keeps the first ones, and says how many it left out", async () => {
  const { host, add, log, events } = harness();
  const labels = (value: string): Record<string, string> =>
    Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`label-${index}`, value]));
  add("a", "container", { preCreate: (config) => void (config.Labels = labels("a")) }, { priority: 1 });
  add("b", "container", { preCreate: (config) => void (config.Labels = labels("b")) });
  await host.preCreate(body({ Labels: {} }), {});
  const [, entry] = host.trace.last();
  const kept = entry?.conflicts?.length ?? 0;
  assert.ok(kept > 10 && kept <= 100, `${kept} conflicts`);
  assert.equal(entry?.conflictsCut, 500 - kept);
  assert.equal(log.at(-1), `${500 - kept} more conflicts of this call are not shown`);
  assert.equal(events.length, kept);
});

test("a conflict about large values tells their size", async () => {
  const { host, add, log } = harness();
  add("a", "container", { preCreate: (config) => void (config.Hostname = "a".repeat(1 << 20)) }, { priority: 1 });
  add("b", "container", { preCreate: (config) => void (config.Hostname = "b") });
  await host.preCreate(body(), {});
  assert.deepEqual(host.trace.last()[1]?.conflicts, [
    { field: "Hostname", first: { plugin: "a", value: "1048578 bytes" }, second: { plugin: "b", value: "b" } },
  ]);
  assert.ok(log.every((line) => line.length < 1000));
});

test("pre-start hooks of all plugins are sorted by priority, equal ones in chain order", async () => {
  const { host, add } = harness();
  const hook = (priority: number, word: string): { priority: number; args: string[] } => ({
    priority,
    args: ["/bin/echo", word],
  });
  add("a", "container", { preStart: () => [hook(-1, "a1"), hook(5, "a2")] }, { priority: 1 });
  add("b", "container", { preStart: () => [hook(5, "b1"), hook(9, "b2")] });
  const hooks = await host.preStart({ Id: "c1" } as ContainerInspect, { containerId: "c1" });
  assert.deepEqual(
    hooks.map(({ args, plugin }) => `${plugin}:${args[1]}`),
    ["b:b2", "a:a2", "b:b1", "a:a1"],
  );
});

test("a hook with a relative program or a broken priority is refused", async () => {
  const { host, add } = harness();
  add("a", "container", { preStart: () => [{ priority: 1, args: ["echo"] }] });
  await assert.rejects(
    host.preStart({} as ContainerInspect, {}),
    /plugin "a" at container.preStart: the program of a hook must be an absolute path, got "echo"/,
  );
  const other = harness();
  other.add("b", "container", { preStart: () => [{ priority: 1.5, args: ["/bin/echo"] }] });
  await assert.rejects(other.host.preStart({} as ContainerInspect, {}), /hooks\[0\]|\[0\]\.priority must be integer, got 1.5/);
});

test("of a failure the plugin's words are masked and cut, its name and the point are not", async () => {
  const { host, add } = harness();
  const long = "x".repeat(100_000);
  add("info", "container", {
    preCreate: ({ Env }) => {
      throw new Error(`no container for ${Env?.join()} and information ${Env?.length === 3 ? long : ""}`);
    },
  });
  const prefix = 'plugin "info" at container.preCreate: no *** for ';
  await assert.rejects(host.preCreate(body({ Env: ["A=info", "B=container"] }), {}), {
    message: `${prefix}A=***,B=*** and information `,
  });
  await assert.rejects(host.preCreate(body({ Env: ["A=info", "B=container", "C=1"] }), {}), (error: Error) => {
    assert.ok(error.message.startsWith(`${prefix}A=***,B=***,C=1 and information xxx`), error.message.slice(0, 200));
    assert.match(error.message, /x… \(about \d+ more bytes\)$/);
    assert.ok(error.message.length < 9000, String(error.message.length));
    return true;
  });
});

test("of an update body the secrets are masked in a failure as in any other", async () => {
  const { host, add, log } = harness();
  add(
    "translate",
    "container",
    {
      preUpdate: async (stream) => {
        throw new Error(`cannot translate ${JSON.stringify(await readJson(stream))}`);
      },
    },
    { failurePolicy: "ignore" },
  );
  await host.preUpdate(jsonStream({ Env: ["DB_PASSWORD=hunter2hunter2", 'QUOTED=say "hunter2"'] }), {});
  const message = 'plugin "translate" at container.preUpdate: cannot translate {"Env":["DB_PASSWORD=***","QUOTED=***"]}';
  assert.deepEqual([host.trace.last()[0]?.error, log], [message, [`${message}; ignored, as its failure policy says`]]);
});

test("a hook has a time, of its plugin's or half a minute, and at most five", async () => {
  const { host, add } = harness();
  const asked = [{}, { timeoutSeconds: 300 }].map((more) => ({ priority: 1, args: ["/bin/true"], ...more }));
  add("a", "container", { preStart: () => asked });
  const hooks = await host.preStart({} as ContainerInspect, {});
  assert.deepEqual(
    hooks.map(({ timeoutSeconds }) => timeoutSeconds),
    [30, 300],
  );
  asked.push({ priority: 1, args: ["/bin/true"], timeoutSeconds: 301 });
  await assert.rejects(host.preStart({} as ContainerInspect, {}), {
    kind: "internal",
    message: /^plugin "a" at container.preStart: hooks\[2\].timeoutSeconds must be <= 300, got 301/,
  });
});

test("an endpoint's priority, resolver and parameters may be changed, its network may not", async () => {
  const { host, add } = harness();
  add("policy", "container", {
    preCreateEndpoint: (id, env, draft) => {
      draft.priority = 9;
      draft.disableResolver = true;
      draft.genericParams["who"] = `${id}:${env[0]}`;
    },
  });
  const changed = await host.preCreateEndpoint("c1", ["A=1"], endpoint, {});
  assert.deepEqual([changed.priority, changed.disableResolver, changed.genericParams], [9, true, { who: "c1:A=1" }]);
  const other = harness();
  other.add("thief", "container", { preCreateEndpoint: (_id, _env, draft) => ({ ...draft, driver: "mine" }) });
  await assert.rejects(other.host.preCreateEndpoint("c1", [], endpoint, {}), /driver of an endpoint cannot be changed/);
});

test("update bodies pass from plugin to plugin as streams, from any format to JSON", async () => {
  const { host, add } = harness();
  add(
    "translate",
    "container",
    {
      preUpdate: async (stream) => {
        let text = "";
        for await (const chunk of stream) text += String(chunk);
        return jsonStream({ Memory: Number(text.split("=")[1]) });
      },
    },
    { priority: 1 },
  );
  add("double", "container", {
    preUpdate: (stream) =>
      rewriteJson(stream, (value) => {
        value["Memory"] = Number(value["Memory"]) * 2;
      }),
  });
  assert.deepEqual(await readJson(await host.preUpdate(Readable.from([Buffer.from("memory=21")]), {})), { Memory: 42 });
  assert.deepEqual(host.trace.last()[1]?.patch, [{ op: "replace", path: "/Memory", value: 42 }]);
});

test("an update body that a plugin breaks, or that never ends, is that plugin's failure", async () => {
  const broken = harness();
  broken.add("breaker", "container", { preUpdate: () => Readable.from(["{"]) });
  await assert.rejects(broken.host.preUpdate(jsonStream({ Memory: 1 }), {}), {
    kind: "internal",
    message: 'plugin "breaker" at container.preUpdate: the body it returned is not JSON any more',
  });
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, 1]));
  const growing = harness();
  growing.add("growing", "container", { preUpdate: () => jsonStream(many) });
  await assert.rejects(growing.host.preUpdate(jsonStream({ Memory: 1 }), {}), {
    kind: "resourceExhausted",
    message: 'plugin "growing" at container.preUpdate: its answer has more than 20000 values',
  });
  await assert.rejects(growing.host.preUpdate(jsonStream(many), {}), { message: "the request body has more than 20000 values" });
  const endless = harness();
  endless.add("endless", "container", { preUpdate: () => new Readable({ read() {} }) }, { timeoutMs: 20 });
  await assert.rejects(
    endless.host.preUpdate(jsonStream({ Memory: 1 }), {}),
    /plugin "endless" at container.preUpdate: no answer within 20 ms/,
  );
});

test("fields below a long key do not make a patch that is larger than any body", async () => {
  const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${at}`, 1]));
  const deep = (levels: number, inner: object): object => (levels === 0 ? inner : { ["k".repeat(100)]: deep(levels - 1, inner) });
  for (const [shape, count, message] of [
    [
      (inner: object) => ({ ["k".repeat(1024 * 1024)]: inner }),
      19_000,
      /changed a field whose path has 10485\d\d characters; at most 8192/,
    ],
    [(inner: object) => deep(80, inner), 19_000, /the paths of the fields it changed have \d+ characters; at most 16777216/],
  ] as const) {
    const { host, add } = harness();
    const answers = [shape({}), shape(members(count))];
    for (const [at, answer] of answers.entries())
      add(
        `p${at}`,
        "container",
        { preUpdate: () => Readable.from([JSON.stringify(answer)]) },
        { failurePolicy: at === 0 ? "ignore" : "fail" },
      );
    await assert.rejects(host.preUpdate(Readable.from(["{}"]), {}), { kind: "resourceExhausted", message });
  }
});

/** As the daemon decodes it. */
const decodeUpdate = (value: unknown): unknown => decodeBody(ContainerUpdateConfig, value);

test("a plugin that makes an update body no update takes has failed, and its policy decides", async () => {
  for (const [failurePolicy, more] of [
    ["fail", ""],
    ["ignore", "; ignored, as its failure policy says"],
  ] as const) {
    const { host, add, log } = harness({ decodeUpdate });
    add("liar", "container", { preUpdate: () => jsonStream({ Memory: "lots" }) }, { failurePolicy });
    const message = 'plugin "liar" at container.preUpdate: Memory must be an integer, got "lots"';
    const update = host.preUpdate(jsonStream({ Memory: 1 }), {});
    if (failurePolicy === "fail") await assert.rejects(update, { kind: "internal", message });
    else assert.deepEqual([await readJson(await update), log], [{ Memory: 1 }, [message + more]]);
    assert.equal(host.trace.last()[0]?.error, message);
  }
});

test("an update body that was wrong before and still is names the plugin that changed it last", async () => {
  const { host, add } = harness({ decodeUpdate });
  const wrong = { Memory: "64m", CpuShares: "many" };
  add("memory", "container", { preUpdate: (stream) => rewriteJson(stream, (value) => void (value["Memory"] = 64)) });
  add("reader", "container", { preUpdate: (stream) => stream }, { priority: -1 });
  await assert.rejects(host.preUpdate(jsonStream(wrong), {}), {
    kind: "invalidArgument",
    message: 'CpuShares must be an integer, got "many" (plugin "memory" was the last to change the body, at container.preUpdate)',
  });
  const changed = await host.preUpdate(jsonStream({ Memory: "64m" }), {});
  assert.deepEqual(await readJson(changed), { Memory: 64 });
});

test("a dry run finds in its body what filters look at, and says what an update refuses", async () => {
  const { host, add } = harness({ decodeUpdate });
  const filters = { labels: ["tier=gold"], images: ["busybox"], env: ["A"] };
  add(
    "gold",
    "container",
    {
      preUpdate: (stream) => stream,
      preStart: () => [],
      preCreateEndpoint: (_id, env, draft) => void draft.aliases.push(...env),
    },
    { filters },
  );
  const config = { Labels: { tier: "gold" }, Image: "busybox", Env: ["A=1"] };
  for (const [point, hit, miss] of [
    ["container.preUpdate", config, { Env: ["B=1"] }],
    ["container.preStart", { Config: config }, { Config: { ...config, Labels: {} } }],
    ["container.preCreateEndpoint", { ...endpoint, ...config }, endpoint],
  ] as const) {
    const run = async (tried: unknown) => dryRun(host, checks, { point, body: tried, showEnv: true });
    const found = await run(hit);
    assert.deepEqual([point, found.calls.length, (await run(miss)).calls.length], [point, 1, 0]);
    if (point === "container.preCreateEndpoint") assert.deepEqual(found.body, { ...endpoint, aliases: ["A=1"] });
  }
  await assert.rejects(dryRun(host, checks, { point: "container.postUpdate", body: {} }), {
    message: "container.postUpdate cannot be tried: it has no body, or it acts on more than its body",
  });
  const { error } = await dryRun(host, checks, { point: "container.preUpdate", body: { Memory: "lots" } });
  assert.equal(error, 'Memory must be an integer, got "lots"');
});

test("a body that nothing can be made of any more is left out where failures are ignored, and the next plugin runs", async () => {
  const verify = (config: ContainerCreateConfig): void => {
    if ((config.HostConfig.Memory ?? 0) < 0) throw invalidArgument("memory is negative");
  };
  const { host, add, log } = harness({ verifiers: { "container.preCreate": verify } });
  const fields = { Memory: -5, CpuShares: 1, PidsLimit: 2, CpuPeriod: 3, CpuQuota: 4, NanoCpus: 5 };
  add(
    "broken",
    "container",
    { preCreate: (config) => void Object.assign(config.HostConfig, fields) },
    { failurePolicy: "ignore", priority: 1 },
  );
  add("next", "container", { preCreate: (config) => void (config.Hostname = "h") });
  assert.deepEqual(await host.preCreate(body(), {}), { ...body(), Hostname: "h" });
  const names = ["Memory", "CpuShares", "PidsLimit", "CpuPeriod", "CpuQuota"].map((name) => `HostConfig.${name}`).join(", ");
  assert.equal(
    log[0],
    `plugin "broken" at container.preCreate: memory is negative, since it changed ${names} and 1 more fields; ignored, as its failure policy says`,
  );
});

test("volumes and endpoints are checked by who knows what they can be", async () => {
  const { host, add } = harness({
    verifiers: {
      "volume.preVolumeCreate": ({ Driver = "local" }) => {
        if (Driver !== "local") throw notFound(`no driver "${Driver}"`);
      },
    },
  });
  add("v", "volume", { preVolumeCreate: (config) => void (config.Driver = "magic") });
  add("e", "container", { preCreateEndpoint: (_id, _env, draft) => void (draft.ipv4Address = "banana") });
  await assert.rejects(host.preVolumeCreate({ Name: "x" }, {}), {
    kind: "internal",
    message: 'plugin "v" at volume.preVolumeCreate: no driver "magic", since it changed Driver',
  });
  const verify = ({ ipv4Address }: Endpoint): void => {
    if (ipv4Address === "banana") throw invalidArgument(`${ipv4Address} is no address`);
  };
  await assert.rejects(host.preCreateEndpoint("c1", [], endpoint, { verify }), {
    kind: "internal",
    message: 'plugin "e" at container.preCreateEndpoint: banana is no address, since it changed ipv4Address',
  });
});

test("bounds of an answer are the daemon's to set, in this process too", async () => {
  const { host, add } = harness({ answerBounds: { bytes: 1000, values: 100, depth: 5 } });
  let answer: unknown;
  add("large", "container", { preCreate: () => answer as ContainerCreateConfig });
  for (const [changes, message] of [
    [{ Labels: { long: "x".repeat(1001) } }, "the body holds more than 1000 characters"],
    [{ Env: Array.from({ length: 101 }, () => "A=1") }, "the body holds more than 100 values"],
    [{ Deep: [[[[[[1]]]]]] }, "Deep[0][0][0][0][0] is nested deeper than 5 levels, or contains itself"],
  ] as const) {
    answer = { ...body(), ...changes };
    await assert.rejects(host.preCreate(body(), {}), { message: `plugin "large" at container.preCreate: ${message}` });
  }
});

test("a dry run reads its body as a request's is read, and says what is refused after the chain", async () => {
  const { host, add } = harness({
    verifiers: {
      "container.preCreate": ({ HostConfig: { Memory = 0 } }) => {
        if (Memory < 0) throw invalidArgument("memory is negative");
      },
      "cri.preCreateContainer": ({ HostConfig: { Memory = 0 } }) => {
        if (Memory < 0) throw invalidArgument("memory is negative over CRI");
      },
      "volume.preVolumeCreate": ({ Driver }) => {
        if (Driver === "magic") throw notFound("no such driver");
      },
      "network.preCreate": ({ Scope }) => {
        if (Scope === "swarm") throw invalidArgument("no swarm");
      },
    },
  });
  add("seen", "container", { preCreate: (config) => void (config.Hostname = String(config.HostConfig.Memory)) });
  const run = async (point: string, tried: unknown) => dryRun(host, checks, { point, body: tried });
  const tried = { image: "busybox", unknown: 5, Labels: null, HostConfig: { memory: 64 } };
  assert.deepEqual((await run("container.preCreate", tried)).body, {
    Image: "busybox",
    HostConfig: { Memory: 64 },
    Hostname: "64",
  });
  for (const [point, wrong, message] of [
    ["container.validateCreate", { HostConfig: { Memory: -1 } }, "memory is negative"],
    ["cri.preCreateContainer", { HostConfig: { Memory: -1 } }, "memory is negative over CRI"],
    ["volume.preVolumeCreate", { Driver: "magic" }, "no such driver"],
    ["network.preCreate", { name: "x", scope: "swarm" }, "no swarm"],
  ] as const)
    assert.equal((await run(point, wrong)).error, message);
  await assert.rejects(run("container.preCreate", { HostConfig: { Memory: "lots" } }), {
    kind: "invalidArgument",
    message: 'HostConfig.Memory must be an integer, got "lots"',
  });
});

test("a dry run of what is no body is refused, whatever the point", async () => {
  const { host, add } = harness();
  add("seen", "volume", { preRemove: () => assert.fail("it was called") });
  add("asked", "container", { preStart: () => assert.fail("it was called"), preUpdate: () => assert.fail("it was called") });
  for (const point of ["volume.preRemove", "container.preStart", "container.preUpdate"])
    for (const wrong of [null, undefined, 1, "text", []])
      await assert.rejects(dryRun(host, checks, { point, body: wrong }), {
        kind: "invalidArgument",
        message: "body must be a JSON object",
      });
});

test("of an answer each member is read once, however many there are and whatever is done with it", async () => {
  const reads = async (members: number): Promise<number> => {
    const { host, add } = harness({ verifiers: { "container.preCreate": () => undefined } });
    let count = 0;
    const labels = Object.fromEntries(Array.from({ length: members }, (_, index) => [`l${index}`, "x"]));
    const counted = new Proxy(labels, {
      get: (target, name, receiver) => {
        count += 1;
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
    add("writer", "container", { preCreate: (config) => ({ ...config, Labels: counted }) }, { priority: 1 });
    add("reader", "container", { preCreate: (config) => void (config.Hostname = "h"), validateCreate: () => undefined });
    await host.preCreate(body(), {});
    return count;
  };
  const [few, many] = [await reads(1000), await reads(9000)];
  assert.deepEqual([many - few, few < 1010], [8000, true]);
});

test("hooks and variables that no program can be given are their plugin's failure", async () => {
  const { host, add } = harness();
  add("hooks", "container", { preStart: () => [{ priority: 0, args: ["/bin/true", "a\0b"] }] });
  add("variables", "container", { postUpdate: () => ["A=a\0b"] });
  const container = {} as ContainerInspect;
  await assert.rejects(
    host.preStart(container, {}),
    /plugin "hooks" at container.preStart: hooks\[0\].args\[1\] must match pattern/,
  );
  await assert.rejects(
    host.postUpdate((use) => use("/root"), [], {}),
    /plugin "variables" at container.postUpdate: Env\[0\] must match pattern/,
  );
});

test("a failing postUpdate says that the update is in force", async () => {
  const { host, add } = harness();
  add("writer", "container", {
    postUpdate: (rootfs, env) => {
      if (rootfs === "/full") throw new Error("disk full");
      env.push("LIMIT=1");
    },
  });
  assert.deepEqual(await host.postUpdate((use) => use("/root"), ["A=1"], {}), { env: ["A=1", "LIMIT=1"] });
  await assert.rejects(
    host.postUpdate((use) => use("/full"), [], {}),
    {
      message: 'the update is in force, but plugin "writer" at container.postUpdate: disk full',
    },
  );
});

test("a pod's configuration that is none any more is the plugin's failure, by its field", async () => {
  const { host, add } = harness();
  add("c", "cri", {
    preRunPodSandbox: (config) => ({ ...config, linux: { sysctls: { "kernel.shmmni": 1 } } }) as unknown as typeof config,
  });
  await assert.rejects(host.criPreRunPodSandbox({ metadata: { name: "web" } }, {}, {}), {
    kind: "internal",
    message: /plugin "c" at cri.preRunPodSandbox: linux.sysctls.*shmmni/,
  });
});

test("volume, cri and image points reach their plugins", async () => {
  const { host, add } = harness();
  const pulled: string[] = [];
  add("v", "volume", {
    preVolumeCreate: (config) => {
      config.Labels = { ...config.Labels, by: "v" };
    },
  });
  add("c", "cri", {
    preRunPodSandbox: (config, request) => {
      config.labels = { ...config.labels, handler: (request as { runtimeHandler: string }).runtimeHandler };
    },
    preCreateContainer: (config, request) => {
      config.Labels = { pod: (request as { sandbox: string }).sandbox };
    },
  });
  add("i", "image", {
    postPull: async (snapshotter, image) => {
      pulled.push(snapshotter, image.reference);
      await image.unpack("native");
    },
  });
  assert.deepEqual((await host.preVolumeCreate({ Name: "x" }, {})).Labels, { by: "v" });
  assert.deepEqual((await host.criPreCreateContainer(body(), { sandbox: "p1" }, {})).Labels, { pod: "p1" });
  const pod = { metadata: { name: "web" }, labels: { app: "web" } };
  assert.deepEqual(await host.criPreRunPodSandbox(pod, { runtimeHandler: "runc" }, {}), {
    metadata: { name: "web" },
    labels: { app: "web", handler: "runc" },
  });
  const image: PulledImage = {
    reference: "busybox",
    digest: "sha256:0",
    platform: "linux/amd64",
    sizeBytes: 1,
    config: {},
    unpack: async (to) => void pulled.push(to),
    isUnpacked: async () => false,
  };
  await host.postPull("overlayfs", image, {});
  assert.deepEqual(pulled, ["overlayfs", "busybox", "native"]);
});

const handler = (): void => undefined;
const routes: HandlerSpec[] = [
  { method: "GET", path: "/_ping", handler },
  { method: "GET", path: "/info", handler },
  { method: "GET", path: "/containers/{id}/json", handler },
];

test("of a plugin that is gone requests pass the routes by in the table that it helped to make", async () => {
  const { host, add } = harness();
  const said: string[] = [];
  const saying =
    (word: string): HandlerSpec["handler"] =>
    () =>
      void said.push(word);
  const wrap = (word: string) => ({
    updateHandler: (table: HandlerSpec[]) => [
      ...table.map(({ handler: original, ...spec }) => ({
        ...spec,
        handler:
          spec.path === "/info"
            ? async (...asked: Parameters<typeof original>) => {
                said.push(word);
                await original(...asked);
              }
            : original,
      })),
      { method: "GET", path: `/${word}`, handler: saying(`at ${word}`) },
    ],
  });
  add("a", "api", wrap("a"));
  add("b", "api", wrap("b"));
  const table = await host.updateHandlers([{ method: "GET", path: "/info", handler: saying("own") }]);
  // No handler looks at what it is given.
  const ask = async (path: string): Promise<void> =>
    await table.find((spec) => spec.path === path)?.handler({} as IncomingMessage, {} as ServerResponse, {});
  for (const path of ["/info", "/a", "/b"]) await ask(path);
  assert.deepEqual(said.splice(0), ["b", "a", "own", "at a", "at b"]);
  host.registry.remove("a").instance = undefined;
  for (const path of ["/info", "/b"]) await ask(path);
  assert.deepEqual(said, ["b", "own", "at b"]);
  await assert.rejects(ask("/a"), { kind: "notFound", message: "page not found" });
});

test("api plugins add, wrap and remove routes; the given table stays", async () => {
  const { host, add } = harness();
  const own = (): void => undefined;
  add("extra", "api", {
    updateHandler: (table) => [...table.filter((spec) => spec.path !== "/info"), { method: "get", path: "/extra", handler: own }],
  });
  const table = await host.updateHandlers(routes);
  assert.deepEqual(
    table.map((spec) => `${spec.method} ${spec.path}`),
    ["GET /_ping", "GET /containers/{id}/json", "GET /extra"],
  );
  assert.equal(routes.length, 3);
  assert.deepEqual(
    host.trace.last()[0]?.patch?.map(({ op, path }) => `${op} ${path}`),
    ["remove /GET ~1info", "add /GET ~1extra"],
  );
});

test("two routes of one method and path are an error, whatever their parameters are called", async () => {
  const { host, add } = harness();
  add("twice", "api", { updateHandler: (table) => void table.push({ method: "GET", path: "/containers/{name}/json", handler }) });
  await assert.rejects(
    host.updateHandlers(routes),
    /plugin "twice" at api.updateHandler: two routes answer GET \/containers\/\{name\}\/json/,
  );
});

test("a route of code that is compiled in has a path that a router takes, as one of a process of its own", async () => {
  for (const [path, problem] of [
    ["/a/../b", "must not have . or .. as a part"],
    ["/a\n", "must not contain white space, control characters or others that are not seen"],
  ] as const) {
    const { host, add } = harness();
    add("odd", "api", { updateHandler: (table) => [...table, { method: "GET", path, handler: () => undefined }] });
    await assert.rejects(host.updateHandlers(routes), {
      message: `plugin "odd" at api.updateHandler: handlers[3].path ${problem}, got ${JSON.stringify(path)}`,
    });
  }
});

test("the ping and the plugin administration stay reachable", async () => {
  const { host, add } = harness();
  add("evil", "api", { updateHandler: (table) => table.filter((spec) => spec.path !== "/_ping") });
  await assert.rejects(host.updateHandlers(routes), /GET \/_ping must stay as it is/);

  for (const path of ["/plugins/{name}/disable", "//plugins/{name}/disable"]) {
    const other = harness();
    other.add("usurper", "api", {
      updateHandler: (table) => [...table, { method: "POST", path, handler: () => undefined }],
    });
    await assert.rejects(other.host.updateHandlers(routes), /reserved for the daemon|path must not contain \/\//);
  }
});

test("a route table has an end, however it is made", async () => {
  const { host, add } = harness();
  const holes: HandlerSpec[] = [];
  holes.length = 4_000_000_000;
  add("endless", "api", { updateHandler: () => holes });
  await assert.rejects(host.updateHandlers(routes), {
    kind: "resourceExhausted",
    message: 'plugin "endless" at api.updateHandler: updateHandler returned 4000000000 routes; at most 2003 are allowed',
  });
});

test("an api plugin with a route filter is shown those routes only, the others stay", async () => {
  const { host, add } = harness();
  let shown: string[] = [];
  add(
    "narrow",
    "api",
    {
      updateHandler: (table) => {
        shown = table.map((spec) => spec.path);
        return [];
      },
    },
    { filters: { routes: ["GET /info"] } },
  );
  assert.deepEqual(
    (await host.updateHandlers(routes)).map((spec) => spec.path),
    ["/_ping", "/containers/{id}/json"],
  );
  assert.deepEqual(shown, ["/info"]);
});

test("daemon points run in order; a failing start names the plugin, a failing stop goes on", async () => {
  const { host, add, log } = harness();
  const called: string[] = [];
  add(
    "a",
    "daemon",
    {
      preStartHook: ({ stateDirectory }) => void called.push(stateDirectory),
      preStopHook: () => {
        throw new Error("cannot");
      },
    },
    { priority: 1 },
  );
  add("b", "daemon", {
    preStartHook: () => {
      throw new Error("port taken");
    },
    preStopHook: () => void called.push("b stopped"),
  });
  await assert.rejects(host.preStartHook(), { message: 'plugin "b" at daemon.preStartHook: port taken' });
  assert.deepEqual(log.splice(0), ['plugin "a" at daemon.preStopHook: cannot'], "who was told of the start is told of its end");
  assert.deepEqual(called, ["/nowhere/a"]);
  await host.preStopHook();
  assert.deepEqual(called, ["/nowhere/a", "b stopped"]);
  assert.ok(log.includes('plugin "a" at daemon.preStopHook: cannot'));
});

test("a manifest and its code have to agree about the points", async () => {
  const manifest = parseManifest({ name: "x", version: "1.0.0", pouch: { api: "1", points: ["container.preStart"] } });
  const settings = { configuration: {}, environment: {} };
  const load = (): void => registerContainerPlugin({ preCreate: () => undefined });
  await assert.rejects(
    InProcessPlugin.load({ manifest, load: () => undefined, settings }),
    /declares container.preStart but registers no container plugin with a method preStart/,
  );
  await assert.rejects(
    InProcessPlugin.load({ manifest: { ...manifest, points: {} }, load, settings }),
    /registers preCreate of a container plugin, but its manifest does not list container.preCreate/,
  );
});

test("the calls of a create are found under the container they led to", async () => {
  const { host, add } = harness();
  add("one", "container", { preCreate: (config) => void (config.Hostname = "h") });
  const calls: TraceEntry[] = [];
  await host.preCreate(body(), { calls });
  host.adoptTrace({ id: "abc", name: "web" }, calls);
  assert.deepEqual(
    host.traceOf("abc").map(({ plugin, container }) => [plugin, container]),
    [["one", { id: "abc", name: "web" }]],
  );
  assert.equal(host.trace.last({ container: "web" }).length, 1);
  host.forgetTrace("abc");
  assert.deepEqual(host.traceOf("abcd"), []);
});

test("chains of two containers do not wait for each other", async () => {
  const { host, add } = harness();
  let release: () => void = () => undefined;
  add("gate", "container", {
    preCreate: (config) =>
      config.Image === "slow"
        ? new Promise<void>((resolve) => {
            release = resolve;
          })
        : undefined,
  });
  const slow = host.preCreate(body({ Image: "slow" }), {});
  await host.preCreate(body({ Image: "fast" }), {});
  release();
  await slow;
});

/** A chain that waits in its first plugin while the second one is exchanged. */
async function swappedMeanwhile(fresh: ContainerPlugin, pouch: object): Promise<ContainerCreateConfig> {
  const { host, add } = harness();
  const gate = Promise.withResolvers<void>();
  add("gate", "container", { preCreate: () => gate.promise }, { priority: 1 });
  add("tool", "container", { preCreate: (config) => void (config.Hostname = "old") });
  const running = host.preCreate(body(), {});
  const slot = host.registry.get("tool");
  assert.ok(slot !== undefined);
  const points = Object.keys(fresh).map((method) => `container.${method}`);
  const old = host.registry.swap(
    new InProcessPlugin({
      manifest: parseManifest({ name: "tool", version: "2.0.0", pouch: { api: "1", points, ...pouch } }),
      registrations: [{ kind: "container", plugin: fresh }],
      settings: { configuration: {}, environment: {} },
    }),
  );
  await slot.drained(old);
  gate.resolve();
  return running;
}

test("a plugin swapped while a chain runs is called in its new version, by its new settings, and the old one drains", async () => {
  const named: ContainerPlugin = { preCreate: (config) => void (config.Hostname = "new") };
  assert.equal((await swappedMeanwhile(named, {})).Hostname, "new");
  const narrower = { permissions: { fields: { "container.preCreate": ["User"] } } };
  await assert.rejects(swappedMeanwhile(named, narrower), /plugin "tool" at container.preCreate: .*Hostname/);
  assert.equal((await swappedMeanwhile(named, { filters: { labels: ["team"] } })).Hostname, undefined);
  assert.equal((await swappedMeanwhile({ validateCreate: () => undefined }, {})).Hostname, undefined, "it has left the point");
});

test("a change of the chains that fails has changed nothing", async () => {
  const { host, add } = harness();
  add("good", "container", { preCreate: (config) => void (config.Hostname = "good") });
  const old = host.registry.get("good")?.instance;
  assert.ok(old !== undefined);
  // What no checked manifest has.
  const broken = (name: string): PluginInstance => {
    const point = { ...old.manifest.points["container.preCreate"], filters: { images: 5 } } as unknown as ResolvedPoint;
    return { ...old, manifest: { ...old.manifest, name, points: { "container.preCreate": point } } };
  };
  assert.throws(() => host.add(broken("bad")), TypeError);
  assert.throws(() => host.registry.swap(broken("good")), TypeError);
  assert.deepEqual([host.registry.get("bad"), host.registry.get("good")?.instance], [undefined, old]);
  host.registry.reorder(["good"]);
  assert.equal((await host.preCreate(body(), {})).Hostname, "good");
});
