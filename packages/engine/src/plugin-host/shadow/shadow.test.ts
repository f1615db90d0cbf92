import type { ContainerCreateConfig, HandlerSpec } from "@pouchcontainer/api";
import { jsonStream, pointNames, readJson, type PluginKind, type PluginKinds } from "@pouchcontainer/plugin-sdk";
import { compileBodyChecks, entryOf, InProcessPlugin, parseManifest, type Registration } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainer, sampleImage } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";
import { dryRun } from "../dry-run.ts";
import { body, harness, type Harness } from "../host-harness.ts";
import { PluginMetrics } from "../plugin-metrics.ts";
import type { TraceEntry } from "../trace.ts";
import { maxShadowCalls } from "./shadow-calls.ts";
import { shadowRequest, shadowRootfs, Withheld } from "./shadow-request.ts";

type Shadow = Harness & {
  shadow: <K extends PluginKind>(kind: K, plugin: PluginKinds[K], pouch?: Record<string, unknown>) => void;
  /** What was traced when all calls are over. */
  traced: () => Promise<Partial<TraceEntry>[]>;
};

function setup(deps: Parameters<typeof harness>[0] = {}): Shadow {
  const world = harness(deps);
  const shadow: Shadow["shadow"] = (kind, plugin, pouch = {}) => {
    const points = Object.keys(plugin).map((method) => `${kind}.${method}`);
    const manifest = parseManifest({ name: "new", version: "1.0.0", pouch: { api: "^1.0.0", points, ...pouch } });
    const registrations = [{ kind, plugin } as Registration];
    world.host.add(new InProcessPlugin({ manifest, registrations, settings: { configuration: {}, environment: {} } }), "shadow");
  };
  const traced = async (): Promise<Partial<TraceEntry>[]> => {
    await world.host.shadowsOver();
    return world.host.trace
      .last({ plugin: "new", reveal: true })
      .map(
        ({ point, outcome, shadow: isShadow, patch, error, withheld, container }) =>
          JSON.parse(
            JSON.stringify({ point, outcome, shadow: isShadow, patch, error, withheld, container }),
          ) as Partial<TraceEntry>,
      );
  };
  return { ...world, shadow, traced };
}

test("a body stays as it is, the patch is traced, and the plugins after it are shown what others made", async () => {
  const { host, add, shadow, traced } = setup();
  const seen: unknown[] = [];
  shadow("container", { preCreate: (config) => void (config.Hostname = "shadow") }, { priority: 10 });
  add("after", "container", {
    preCreate: (config) => void (config.Domainname = `after ${config.Hostname}`),
    validateCreate: (_config, { provenance }) => void seen.push(Object.keys(provenance)),
  });
  const made = await host.preCreate(body({ Hostname: "client" }), {});
  assert.deepEqual([made.Hostname, made.Domainname, seen], ["client", "after client", [["/Domainname"]]]);
  assert.deepEqual(await traced(), [
    {
      point: "container.preCreate",
      outcome: "changed",
      shadow: true,
      patch: [{ op: "replace", path: "/Hostname", value: "shadow" }],
    },
  ]);
  assert.ok(host.trace.last({ plugin: "after" }).every((entry) => entry.shadow === undefined && entry.conflicts === undefined));
});

test("what it refuses, fails at, hangs in or may not do reaches nobody, and is traced", async () => {
  const { host, shadow, traced } = setup();
  shadow(
    "container",
    {
      preCreate: async (config) => {
        if (config.Image === "refuse") throw Object.assign(new Error("not here"), { name: "EngineError", kind: "forbidden" });
        if (config.Image === "throw") throw new Error("boom");
        if (config.Image === "hang") await new Promise(() => undefined);
        if (config.Image === "invalid") Object.assign(config, { HostConfig: { Memory: "lots" } });
        if (config.Image === "more") config.User = "root";
      },
    },
    { timeoutMs: 20, permissions: { fields: { "container.preCreate": ["HostConfig.*"] } } },
  );
  for (const Image of ["refuse", "throw", "hang", "invalid", "more"]) {
    assert.deepEqual(await host.preCreate(body({ Image }), {}), body({ Image }));
    await host.shadowsOver();
  }
  assert.deepEqual(
    (await traced()).map(({ outcome, shadow: isShadow, error }) => [
      outcome,
      isShadow,
      error?.replace(/: pouch\.permissions.*/, ""),
    ]),
    [
      ["refused", true, 'plugin "new" at container.preCreate: not here'],
      ["failed", true, 'plugin "new" at container.preCreate: boom'],
      ["timeout", true, 'plugin "new" at container.preCreate: no answer within 20 ms'],
      ["failed", true, 'plugin "new" at container.preCreate: HostConfig.Memory must be integer, got "lots"'],
      ["failed", true, 'plugin "new" at container.preCreate: it changed User without a grant'],
    ],
  );
});

test("failures open its circuit, and nobody else hears of it", async () => {
  const { host, shadow, traced } = setup();
  shadow("container", {
    preCreate: () => {
      throw new Error("boom");
    },
  });
  for (let round = 0; round < 6; round += 1) {
    await host.preCreate(body(), {});
    await host.shadowsOver();
  }
  assert.deepEqual(
    (await traced()).map(({ outcome }) => outcome),
    [...Array.from({ length: 5 }, () => "failed"), "skipped"],
  );
});

test("as many calls as may be are under way; those beyond are left out, and that is told", async () => {
  const { host, shadow, traced } = setup();
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  shadow("container", { preCreate: () => held });
  for (let call = 0; call < maxShadowCalls + 2; call += 1) await host.preCreate(body(), {});
  release();
  const outcomes = (await traced()).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes.slice(0, 2), ["left-out", "left-out"]);
  assert.equal(outcomes.filter((one) => one === "unchanged").length, maxShadowCalls);
});

test("a client that goes away ends no call, and calls about one container come in their order", async () => {
  const { host, shadow, traced } = setup();
  const order: string[] = [];
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  shadow("container", {
    preStart: async () => {
      await held;
      order.push("preStart");
      return [{ priority: 1, args: ["/bin/true"] }];
    },
    postStart: () => void order.push("postStart"),
  });
  const client = new AbortController();
  const container = sampleContainer({ Id: "c1" });
  assert.deepEqual(await host.preStart(container, { containerId: "c1", signal: client.signal }), []);
  client.abort();
  await host.tell("container.postStart", () => ({ container }), { containerId: "c1" });
  release();
  assert.deepEqual(
    (await traced()).map(({ point, outcome }) => [point, outcome]),
    [
      ["container.preStart", "changed"],
      ["container.postStart", "unchanged"],
    ],
  );
  assert.deepEqual(order, ["preStart", "postStart"]);
});

test("assistants, images, files of containers and routes are asked for in vain, and what was asked is traced", async () => {
  const { host, shadow, traced } = setup({ supervisorOf: () => ({ start: () => assert.fail("an assistant was started") }) });
  shadow("daemon", {
    preStartHook: async ({ supervisor }) => void (await supervisor.start({ name: "helper", command: "sleep" })),
  });
  await host.preStartHook();
  host.registry.remove("new");

  const image = sampleImage();
  let isUnpacked = false;
  shadow("image", {
    postPull: async (_snapshotter, pulled) => {
      await pulled.unpack("second");
      isUnpacked = await pulled.isUnpacked("second");
    },
  });
  await host.postPull("overlayfs", image, {});
  await host.shadowsOver();
  assert.deepEqual([image.unpackedTo, isUnpacked], [[], true]);
  host.registry.remove("new");

  const roots: string[] = [];
  shadow("container", {
    postUpdate: (rootfs, env) => {
      roots.push(rootfs);
      return [...env, "B=2"];
    },
    preUpdate: () => jsonStream({ Memory: 2 }),
  });
  const lend = (): Promise<never> => assert.fail("files were put together for a plugin that does not see them");
  assert.deepEqual(await host.postUpdate(lend, ["A=1"], {}), { env: ["A=1"] });
  assert.deepEqual(await readJson(await host.preUpdate(jsonStream({ Memory: 1 }), {})), { Memory: 1 });
  await host.shadowsOver();
  assert.deepEqual(roots, [shadowRootfs]);
  host.registry.remove("new");

  const table: HandlerSpec[] = [{ method: "GET", path: "/info", handler: () => assert.fail("a route of the daemon was called") }];
  const called: unknown[] = [];
  shadow("api", {
    updateHandler: async (handlers) => {
      await Promise.resolve(handlers[0]?.handler({} as never, {} as never, {})).catch((error: unknown) => called.push(error));
      return [...handlers, { method: "GET", path: "/new", handler: () => undefined }];
    },
  });
  assert.deepEqual(await host.updateHandlers(table), table);
  await host.shadowsOver();
  assert.match(String(called), /a plugin in shadow mode cannot call GET \/info of the daemon/);

  assert.deepEqual(
    (await traced()).map(({ point, withheld, patch }) => withheld ?? patch?.map(({ op, path }) => `${point} ${op} ${path}`)),
    [
      ["start the assistant process helper"],
      ["unpack the image for second"],
      ["container.postUpdate add /Env/1"],
      ["container.preUpdate replace /Memory"],
      ["api.updateHandler add /GET ~1new"],
    ],
  );
});

test("every handle of the table of points has a stand-in that does nothing", () => {
  const withheld = new Withheld({ debug() {}, info() {}, warn() {}, error() {} });
  for (const { name } of pointNames.flatMap((point) => entryOf(point).args.filter(({ isHandle }) => isHandle === true))) {
    const handle = { [name]: {} };
    assert.notEqual((shadowRequest(handle as never, withheld) as typeof handle)[name], handle[name], name);
  }
});

test("what a call asks for without end is noted and logged up to a bound, and the last line says so", () => {
  const lines: string[] = [];
  const withheld = new Withheld({ debug() {}, info: (line) => void lines.push(line), warn() {}, error() {} });
  for (let question = 0; question < 1000; question += 1) withheld.note(`start ${question}`);
  assert.deepEqual([lines.length, withheld.what.length], [16, 16]);
  assert.match(lines.at(-1) ?? "", /start 15; what else it asks for in this call is not told$/);
});

test("a mandatory plugin in shadow mode admits nothing, by configuration and by label, and the message says so", async () => {
  const { host, shadow } = setup({ mandatory: ["new"] });
  shadow("container", { validateCreate: () => undefined });
  assert.deepEqual(host.mandatory.missing, ["new"]);
  const refused = {
    kind: "unavailable",
    message: /mandatory plugin "new": it is in shadow mode.*`pouch plugin set-mode new active`/,
  };
  await assert.rejects(host.preCreate(body(), {}), refused);
  const label = setup();
  label.shadow("container", { preCreate: () => undefined });
  const labelled: ContainerCreateConfig = body({ Labels: { "io.pouchcontainer.mandatory-plugins": "new" } });
  await assert.rejects(label.host.preCreate(labelled, {}), refused);
  await host.shadowsOver();
  await label.host.shadowsOver();
});

test("a call that ends after the create is found with its container", async () => {
  const { host, shadow, traced } = setup();
  shadow("container", { preCreate: (config) => void (config.Hostname = "late") });
  const calls: TraceEntry[] = [];
  await host.preCreate(body(), { calls });
  assert.deepEqual(calls, []);
  host.adoptTrace({ id: "c1", name: "web" }, calls);
  await traced();
  assert.deepEqual(
    host.traceOf("c1").map(({ plugin, shadow: isShadow }) => [plugin, isShadow]),
    [["new", true]],
  );
});

test("metrics count shadow calls by themselves, and a dry run shows what would be, marked", async () => {
  const metrics = new PluginMetrics();
  const { host, shadow, traced } = setup({ observers: [metrics] });
  shadow("container", { preCreate: (config) => void (config.Hostname = "shadow") });
  await host.preCreate(body(), {});
  await traced();
  assert.match(metrics.text(), /pouch_plugin_shadow_call_duration_seconds_count\{plugin="new",.*outcome="changed"\} 1/);
  assert.doesNotMatch(metrics.text(), /pouch_plugin_call_duration_seconds_count\{/);
  const { calls, body: made } = await dryRun(host, compileBodyChecks(), {
    point: "container.preCreate",
    body: body(),
    showEnv: true,
  });
  assert.deepEqual([calls.map(({ outcome, shadow: isShadow }) => [outcome, isShadow]), made], [[["changed", true]], body()]);
});
