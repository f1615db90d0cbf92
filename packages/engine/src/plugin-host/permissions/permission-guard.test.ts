import type { ContainerCreateConfig, HandlerSpec } from "@pouchcontainer/api";
import type { EngineError } from "@pouchcontainer/errors";
import {
  jsonStream,
  readJson,
  rewriteJson,
  type PluginKind,
  type PluginKinds,
  type PluginManifest,
  type PluginPermissions,
  type PointName,
} from "@pouchcontainer/plugin-sdk";
import { compileBodyChecks, InProcessPlugin, parseManifest, type Registration } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainer, sampleContainerConfig, sampleEndpoint, sampleImage } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { PluginHost } from "../plugin-host.ts";

const checks = compileBodyChecks();

interface Harness {
  host: PluginHost;
  log: string[];
  started: string[];
  /** `asked`: the manifest's permissions. */
  add: <K extends PluginKind>(kind: K, plugin: PluginKinds[K], asked: PluginPermissions | undefined, more?: More) => void;
}

interface More {
  name?: string;
  narrowed?: PluginPermissions;
  pouch?: Record<string, unknown>;
}

function harness(): Harness {
  const log: string[] = [];
  const started: string[] = [];
  const write = (message: string): void => void log.push(message);
  const host = new PluginHost({
    checks,
    logOf: () => ({ debug: write, info: write, warn: write, error: write }),
    supervisorOf: () => ({
      start: async ({ name }) => {
        started.push(name);
        return { name, pid: 1, restarts: 0, stop: async () => undefined };
      },
    }),
    stateDirectoryOf: () => "/nowhere",
  });
  return {
    host,
    log,
    started,
    add(kind, plugin, asked, { name = "tool", narrowed, pouch } = {}) {
      const points = Object.keys(plugin).map((method) => `${kind}.${method}` as PointName);
      const permissions = asked === undefined ? {} : { permissions: asked };
      const manifest: PluginManifest = {
        ...parseManifest({ name, version: "1.0.0", pouch: { api: "1", points, ...permissions, ...pouch } }),
        ...(narrowed === undefined ? {} : { narrowed }),
      };
      // The registration's kind is the plugin's.
      const registrations = [{ kind, plugin } as Registration];
      host.add(new InProcessPlugin({ manifest, registrations, settings: { configuration: {}, environment: {} } }));
    },
  };
}

const atCreate = (...fields: string[]): PluginPermissions => ({ fields: { "container.preCreate": fields } });

function change(config: ContainerCreateConfig): void {
  config.HostConfig.Memory = 64;
  config.Env?.push("LEGACY_MEM=64m");
}

test("a plugin changes what it was granted", async () => {
  const { host, add } = harness();
  add("container", { preCreate: change }, atCreate("HostConfig.Memory", "Env.LEGACY_*"));
  const { HostConfig, Env } = await host.preCreate(sampleContainerConfig(), {});
  assert.deepEqual([HostConfig.Memory, Env?.at(-1)], [64, "LEGACY_MEM=64m"]);
});

test("a change that was not granted is the plugin's failure: it names plugin, point, field and grant, and nothing is changed", async () => {
  const { host, add } = harness();
  add("container", { preCreate: change }, atCreate("HostConfig.Memory"));
  await assert.rejects(host.preCreate(sampleContainerConfig(), {}), (error: EngineError) => {
    assert.equal(error.kind, "internal");
    assert.equal(
      error.message,
      'plugin "tool" at container.preCreate: it changed Env.LEGACY_MEM without a grant: pouch.permissions of its package.json would need "Env.LEGACY_MEM" in fields at container.preCreate',
    );
    assert.equal(error.details["field"], "Env.LEGACY_MEM");
    return true;
  });
  assert.equal(host.trace.last()[0]?.outcome, "failed");
});

test("networks keep the order in which they become interfaces, whatever order of keys a plugin answers", async () => {
  const { host, add } = harness();
  const swap = (config: ContainerCreateConfig): void => {
    const { inner, outer } = config.NetworkingConfig?.EndpointsConfig ?? {};
    config.NetworkingConfig = { EndpointsConfig: { added: {}, outer: { ...outer }, inner: { ...inner } } };
    config.HostConfig.Memory = 64;
  };
  add("container", { preCreate: swap }, atCreate("HostConfig.Memory", "NetworkingConfig.EndpointsConfig.added"));
  const asked = { ...sampleContainerConfig(), NetworkingConfig: { EndpointsConfig: { inner: {}, outer: { Aliases: ["a"] } } } };
  const { HostConfig, NetworkingConfig } = await host.preCreate(asked, {});
  assert.deepEqual(Object.entries(NetworkingConfig?.EndpointsConfig ?? {}), [
    ["inner", {}],
    ["outer", { Aliases: ["a"] }],
    ["added", {}],
  ]);
  assert.equal(HostConfig.Memory, 64);
});

test("failures of this kind open the circuit, and are left out where the manifest says so", async () => {
  const { host, add, log } = harness();
  add("container", { preCreate: change }, {});
  for (let call = 0; call < 5; call += 1) await host.preCreate(sampleContainerConfig(), {}).catch(() => undefined);
  await assert.rejects(host.preCreate(sampleContainerConfig(), {}), /not called/);

  const other = harness();
  other.add("container", { preCreate: change }, {}, { pouch: { failurePolicy: "ignore" } });
  const config = sampleContainerConfig();
  assert.deepEqual(await other.host.preCreate(config, {}), config);
  assert.match(other.log.join("\n"), /it changed .*; ignored, as its failure policy says/);
  assert.match(log.join("\n"), /circuit opened/);
});

test("without permissions in its manifest a plugin may do what its points let it do", async () => {
  const { host, add } = harness();
  add("container", { preCreate: change }, undefined);
  assert.equal((await host.preCreate(sampleContainerConfig(), {})).HostConfig.Memory, 64);
});

test("what the operator leaves of it counts too, also for a plugin that asks for nothing by name", async () => {
  for (const asked of [atCreate("*"), undefined]) {
    const { host, add } = harness();
    add("container", { preCreate: change }, asked, { narrowed: atCreate("HostConfig.*") });
    await assert.rejects(
      host.preCreate(sampleContainerConfig(), {}),
      /it changed Env.LEGACY_MEM without a grant: the operator's permissions for it would need/,
    );
  }
});

test("a grant is for the point that it names", async () => {
  const { host, add } = harness();
  const preCreateEndpoint: PluginKinds["container"]["preCreateEndpoint"] = (_id, _env, endpoint) => void (endpoint.priority = 5);
  add("container", { preCreate: change, preCreateEndpoint }, atCreate("*", "priority"));
  await host.preCreate(sampleContainerConfig(), {});
  await assert.rejects(
    host.preCreateEndpoint("c1", [], sampleEndpoint(), {}),
    /it changed priority without .* fields at container.preCreateEndpoint/,
  );
});

test("an update's body is held against the grants too, and the environment after it", async () => {
  const preUpdate: PluginKinds["container"]["preUpdate"] = (body) =>
    rewriteJson(body, (update) => ({ ...(update as object), Memory: 1, PidsLimit: 2 }));
  const { host, add } = harness();
  add("container", { preUpdate }, { fields: { "container.preUpdate": ["Memory"] } });
  await assert.rejects(host.preUpdate(jsonStream({}), {}), /at container.preUpdate: it changed PidsLimit/);

  const other = harness();
  other.add("container", { preUpdate }, { fields: { "container.preUpdate": ["Memory", "PidsLimit"] } });
  assert.deepEqual(await readJson(await other.host.preUpdate(jsonStream({}), {})), { Memory: 1, PidsLimit: 2 });

  const last = harness();
  last.add(
    "container",
    { postUpdate: (_rootfs, env) => [...env, "B=1"] },
    { rootfs: true, fields: { "container.postUpdate": ["Env.A"] } },
  );
  await assert.rejects(
    last.host.postUpdate((use) => use("/r"), [], {}),
    /it changed Env.B/,
  );
});

test("a hook is handed out by who may, and none by who may not", async () => {
  const hooks = [{ priority: 1, args: ["/bin/true"] }];
  const granted = harness();
  granted.add("container", { preStart: () => hooks }, { hooks: true });
  assert.equal((await granted.host.preStart(sampleContainer(), {})).length, 1);
  const { host, add } = harness();
  add("container", { preStart: () => hooks }, atCreate("*"));
  await assert.rejects(
    host.preStart(sampleContainer(), {}),
    /at container.preStart: it returned hooks without a grant: .* would need "hooks": true/,
  );
  const silent = harness();
  silent.add("container", { preStart: () => [] }, {});
  assert.deepEqual(await silent.host.preStart(sampleContainer(), {}), []);
});

test("an assistant is started by who may, and none by who may not", async () => {
  const preStartHook: PluginKinds["daemon"]["preStartHook"] = async ({ supervisor }) =>
    void (await supervisor.start({ name: "helper", command: "sleep" }));
  const granted = harness();
  granted.add("daemon", { preStartHook }, { assistants: true });
  await granted.host.preStartHook();
  assert.deepEqual(granted.started, ["helper"]);
  const { host, add, started } = harness();
  add("daemon", { preStartHook }, {});
  await assert.rejects(
    host.preStartHook(),
    /at daemon.preStartHook: it asked for the assistant process helper without .* "assistants": true/,
  );
  assert.deepEqual(started, []);
});

test("an image is unpacked by who may, and by others only looked at", async () => {
  const postPull: PluginKinds["image"]["postPull"] = async (_snapshotter, image) => {
    if (!(await image.isUnpacked("native"))) await image.unpack("native");
  };
  const [granted, image] = [harness(), sampleImage()];
  granted.add("image", { postPull }, { unpack: true });
  await granted.host.postPull("overlayfs", image, {});
  assert.deepEqual(image.unpackedTo, ["native"]);
  const [{ host, add }, other] = [harness(), sampleImage()];
  add("image", { postPull }, {});
  await assert.rejects(
    host.postPull("overlayfs", other, {}),
    /it asked to unpack the image for native without .* "unpack": true/,
  );
  assert.deepEqual(other.unpackedTo, []);
});

test("a container's files are shown to who may work on them, and others get a path at which nothing is nor can be", async () => {
  const seen: string[] = [];
  const postUpdate: PluginKinds["container"]["postUpdate"] = (rootfs) => void seen.push(rootfs);
  const { host, add } = harness();
  add("container", { postUpdate }, { rootfs: true });
  add("container", { postUpdate }, {}, { name: "other" });
  await host.postUpdate((use) => use("/the/rootfs"), [], {});
  assert.deepEqual(seen, ["/dev/null/the-permission-rootfs-is-not-granted", "/the/rootfs"]);
});

const route = (method: string, path: string): HandlerSpec => ({ method, path, handler: () => undefined });

for (const [what, routes, refused] of [
  ["nothing", [], /it asked to replace GET \/version without .* "replace GET \/version" in routes/],
  ["all but what it removes", ["add * /extra/*", "replace GET /*"], /it asked to remove POST \/prune/],
  [
    "all but what it replaces",
    ["add GET /extra/{name}", "remove POST /prune", "wrap GET /version"],
    /it asked to replace GET \/version/,
  ],
  ["all", ["add GET /extra/*", "remove POST /prune", "replace * /version"], undefined],
] as const) {
  test(`routes are added, replaced and removed by who may: granted is ${what}`, async () => {
    const { host, add } = harness();
    const updateHandler: PluginKinds["api"]["updateHandler"] = (table) => [
      ...table.filter(({ path }) => path === "/info"),
      route("GET", "/version"),
      route("GET", "/extra/{name}"),
    ];
    add("api", { updateHandler }, { routes: [...routes] });
    const before = [route("GET", "/info"), route("GET", "/version"), route("POST", "/prune")];
    if (refused !== undefined) return assert.rejects(host.updateHandlers(before), refused);
    assert.deepEqual(
      (await host.updateHandlers(before)).map(({ path }) => path),
      ["/info", "/version", "/extra/{name}"],
    );
  });
}

test("handlers that a plugin was shown answer it once its table is accepted: its own routes' where it is limited, protected ones' never", async () => {
  const called: string[] = [];
  const served = (method: string, path: string): HandlerSpec => ({ method, path, handler: () => void called.push(path) });
  const table = [served("GET", "/info"), served("GET", "/version"), served("POST", "/prune"), served("GET", "/plugins")];
  // Neither is looked at.
  const [request, response] = [{} as IncomingMessage, {} as ServerResponse];
  const reached = async (asked: PluginPermissions | undefined, change: (shown: readonly HandlerSpec[]) => HandlerSpec[]) => {
    const { host, add } = harness();
    let lent: readonly HandlerSpec[] = [];
    add("api", { updateHandler: (handlers) => change((lent = handlers)) }, asked);
    const isAccepted = await host.updateHandlers(table).then(
      () => true,
      () => false,
    );
    called.length = 0;
    for (const { handler } of lent) await Promise.resolve(handler(request, response, {})).catch(() => undefined);
    return [isAccepted, ...called];
  };
  const keep = (shown: readonly HandlerSpec[]): HandlerSpec[] => [...shown];
  const replace = (shown: readonly HandlerSpec[]): HandlerSpec[] =>
    shown.map((spec) => (spec.path === "/version" ? route("GET", "/version") : spec));
  assert.deepEqual(await reached({}, keep), [true]);
  assert.deepEqual(await reached({}, replace), [false]);
  assert.deepEqual(await reached({ routes: ["replace GET /version"] }, replace), [true, "/version"]);
  assert.deepEqual(await reached(undefined, keep), [true, "/info", "/version", "/prune"]);
});

test("what a plugin did is remembered as the permissions that it would have to ask for", async () => {
  const { host, add } = harness();
  const preStart = (): { priority: number; args: string[] }[] => [{ priority: 1, args: ["/bin/true"] }];
  add("container", { preCreate: change, preStart, preRemove: () => undefined }, undefined);
  for (let call = 0; call < 3; call += 1) await host.preCreate(sampleContainerConfig(), {});
  await host.preStart(sampleContainer(), {});
  const instance = host.registry.get("tool")?.instance;
  assert(instance !== undefined);
  assert.deepEqual(host.registry.observedOf(instance).permissions, {
    fields: { "container.preCreate": ["Env.LEGACY_MEM", "HostConfig.Memory"] },
    hooks: true,
  });
});

test("what is remembered is bounded, and that there was more is told", async () => {
  const { host, add } = harness();
  let call = 0;
  add("container", { preCreate: (config) => void (config.Labels = { [`label-${(call += 1)}`]: "" }) }, undefined);
  for (let round = 0; round < 200; round += 1) await host.preCreate(sampleContainerConfig(), {});
  const instance = host.registry.get("tool")?.instance;
  assert(instance !== undefined);
  const observed = host.registry.observedOf(instance);
  assert.deepEqual([observed.permissions.fields?.["container.preCreate"]?.length, observed.isCut], [128, true]);
});
