import type { ContainerCreateConfig, ContainerInspect, HandlerSpec } from "@pouchcontainer/api";
import type { EngineError } from "@pouchcontainer/errors";
import {
  readJson,
  jsonStream,
  type ImageRequest,
  type PluginLog,
  type PluginManifest,
  type PluginPermissions,
  type Supervisor,
} from "@pouchcontainer/plugin-sdk";
import {
  compileBodyChecks,
  InProcessPlugin,
  parseManifest,
  type PluginInstance,
  type PointOf,
  type PointRequest,
} from "@pouchcontainer/plugin-sdk/host";
import {
  sampleContainer,
  sampleContainerConfig,
  sampleEndpoint,
  sampleImage,
  sampleStoredImage,
  sampleVolume,
  sampleVolumeConfig,
} from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { verifyCreate } from "../../containers/config/index.ts";
import { sampleConfigSettings, sampleFacts } from "../../containers/config/sample-settings.ts";
import { Canary, linksOf } from "../canary/canary.ts";
import { InstalledPlugin } from "../installed/installed-plugin.ts";
import { SharedProcesses, type Sharing } from "../installed/shared-processes.ts";
import { PluginHost } from "../plugin-host.ts";

/** One suite, four transports: what an operator sees of a plugin must not depend on where it runs. Rules in CEL are in policies.test.ts. */

interface World {
  host: PluginHost;
  instance: PluginInstance;
  assistants: string[];
  log: string[];
  runtimeDirectory: string;
}

const settings = { word: "hello" };
let loads = 0;

function manifestOf(folder: string): PluginManifest {
  return parseManifest(JSON.parse(readFileSync(join(import.meta.dirname, folder, "package.json"), "utf8")));
}

type Start = (log: string[], runtimeDirectory: string, more: Partial<PluginManifest>) => Promise<PluginInstance>;

const transports: Record<string, Start> = {
  "in-process": (_log, _runtime, more) => {
    loads += 1;
    const url = new URL(`./typescript/conformance.ts?${loads}`, import.meta.url);
    return InProcessPlugin.load({
      manifest: { ...manifestOf("typescript"), ...more },
      load: () => import(url.href),
      settings: { configuration: settings, environment: {} },
    });
  },
  "child process": (...world) => installed("typescript", ...world),
  "shared process": (...world) => sharing(...world),
  python: (...world) => installed("python", ...world),
};

const environment = { PATH: process.env["PATH"] ?? "" };
const childCommand = (place: string): { command: string; args: string[] } => ({
  command: process.execPath,
  args: [join(import.meta.dirname, "run-child.ts"), place],
});

function logInto(log: string[]): PluginLog {
  const write = (message: string): void => void log.push(message);
  return { debug: write, info: write, warn: write, error: write };
}

/** `sharing`: what it shares with others, as it may have to by its manifest. */
function installed(
  folder: string,
  ...[log, runtimeDirectory, more, sharing]: [...Parameters<Start>, Sharing?]
): Promise<InstalledPlugin> {
  return InstalledPlugin.start({
    manifest: { ...manifestOf(folder), ...more },
    directory: join(import.meta.dirname, folder),
    configuration: settings,
    environment,
    childCommand,
    runtimeDirectory,
    log: logInto(log),
    ...(sharing && { sharing }),
  });
}

/** Beside another plugin, in one process. */
async function sharing(...[log, runtimeDirectory, more]: Parameters<Start>): Promise<PluginInstance> {
  const shared = new SharedProcesses({ childCommand, runtimeDirectory, environment, logOf: () => logInto(log) });
  const start = async (folder: string, more = {}): Promise<InstalledPlugin> => {
    const manifest = { ...manifestOf(folder), ...more };
    const belongings = { manifest, directory: "", environment, stateDirectory: () => "" };
    return installed(folder, log, runtimeDirectory, more, await shared.join("conformance", belongings, "active"));
  };
  const { memoryLimitMb = manifestOf("typescript").memoryLimitMb, permissions } = more;
  const alike = { memoryLimitMb, ...(permissions && { permissions }) };
  const [neighbour, instance] = await Promise.all([start("neighbour", alike), start("typescript", more)]);
  assert.equal(instance.pid, neighbour.pid);
  const close = instance.close.bind(instance);
  instance.close = async () => void (await Promise.all([close(), neighbour.close()]));
  return instance;
}

async function open(
  t: TestContext,
  transport: string,
  more: Partial<PluginManifest> = {},
  mode: "active" | "shadow" = "active",
): Promise<World> {
  const assistants: string[] = [];
  const log: string[] = [];
  const supervisor: Supervisor = {
    start: async (process) => {
      assistants.push(`${process.name}: ${process.command} ${process.args?.join(" ")}`);
      return { name: process.name, pid: 1, restarts: 0, stop: async () => undefined };
    },
  };
  const runtimeDirectory = mkdtempSync(join(tmpdir(), "conf-"));
  const write = (message: string): void => void log.push(message);
  const host = new PluginHost({
    checks: compileBodyChecks(),
    logOf: () => ({ debug: write, info: write, warn: write, error: write }),
    supervisorOf: () => supervisor,
    stateDirectoryOf: () => "/nowhere",
    verifiers: { "container.preCreate": (body) => verifyCreate(body, sampleFacts(), sampleConfigSettings()) },
  });
  const instance = await (transports[transport] ?? unknownTransport)(log, runtimeDirectory, more);
  host.add(instance, mode);
  t.after(async () => {
    await instance.close();
    assert.deepEqual(readdirSync(runtimeDirectory), [], "the sockets are gone");
    rmSync(runtimeDirectory, { recursive: true });
  });
  return { host, instance, assistants, log, runtimeDirectory };
}

/** What is shown at each point that asks, with a word in it that the plugin looks for. */
const askedWith: {
  [P in Exclude<PointOf<"asks">, "image.postPull" | `${string}.validate${string}`>]: (word: string) => PointRequest<P>;
} = {
  "image.prePush": (word) => ({ pushed: sampleStoredImage({ reference: word }) }),
  "volume.preRemove": (word) => ({ volume: sampleVolume({ Name: word }) }),
  "container.preRemove": (word) => ({ container: sampleContainer({ Name: word }) }),
};

/** The same of each point that tells. */
const toldWith: { [P in PointOf<"tells">]: (word: string) => PointRequest<P> } = {
  "container.postCreate": (word) => ({ container: sampleContainer({ Name: word }) }),
  "container.preStop": (word) => ({ container: sampleContainer({ Name: word }) }),
  "container.postStop": (word) => ({ container: sampleContainer({ Name: word }), exit: { exitCode: 137, oomKilled: true } }),
  "container.postStart": (word) => ({ container: sampleContainer({ Name: word }) }),
};

function outcomes(host: PluginHost, point: string): string[] {
  return host.trace.last().flatMap((entry) => (entry.point === point ? [entry.outcome] : []));
}

function config(Image: string): ContainerCreateConfig {
  return sampleContainerConfig({ Image, Env: ["A=1"] });
}

async function fetchTable(t: TestContext, table: readonly HandlerSpec[]): Promise<(path: string) => Promise<Response>> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/^\/v1\.\d+/, "");
    for (const spec of table) {
      const match = new RegExp(`^${spec.path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/?]+)")}(?:\\?.*)?$`).exec(path);
      if (match === null) continue;
      Promise.resolve(spec.handler(request, response, { ...match.groups })).catch((error: unknown) =>
        response.writeHead(500).end(String(error)),
      );
      return;
    }
    response.writeHead(404).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  // A TCP server's address is an object.
  const { port } = server.address() as AddressInfo;
  return (path) => fetch(`http://127.0.0.1:${port}${path}`);
}

for (const transport of Object.keys(transports)) {
  const isolated = transport !== "in-process";

  test(`${transport}: a create body is changed, with configuration and container at hand`, async (t) => {
    const { host } = await open(t, transport);
    const changed = await host.preCreate(config("busybox"), { containerId: "c1", containerName: "web" });
    assert.deepEqual([changed.Env, changed.Labels], [["A=1", "WORD=hello"], { conformance: "web" }]);
    assert.deepEqual(
      host.trace.ofContainer("c1")[0]?.patch?.map(({ op, path }) => `${op} ${path}`),
      ["add /Env/1", "add /Labels/conformance"],
    );
    const same = config("unchanged");
    assert.equal((await host.preCreate(same, {})).Env?.length, 1);
    assert.equal(host.trace.last().findLast((entry) => entry.point === "container.preCreate")?.outcome, "unchanged");
  });

  test(`${transport}: refusals keep their kind, failures name plugin and point, invalid bodies the field`, async (t) => {
    const { host, instance } = await open(t, transport);
    const { name } = instance.manifest;
    await assert.rejects(host.preCreate(config("refuse"), {}), {
      kind: "forbidden",
      message: `plugin "${name}" at container.preCreate: refused by the plugin`,
    });
    await assert.rejects(host.preCreate(config("throw"), {}), {
      kind: "internal",
      message: `plugin "${name}" at container.preCreate: boom`,
    });
    await assert.rejects(host.preCreate(config("invalid"), {}), {
      message: `plugin "${name}" at container.preCreate: HostConfig.Memory must be integer, got "lots"`,
    });
    await assert.rejects(host.preCreate(config("hang"), {}), {
      kind: "deadlineExceeded",
      message: `plugin "${name}" at container.preCreate: no answer within 400 ms`,
    });
    await assert.rejects(
      host.preCreate({ ...config("busybox"), Hostname: "forbidden" }, {}),
      /at container.validateCreate: that host name is taken/,
    );
    assert.equal((await host.preCreate(config("busybox"), {})).Env?.length, 2);
  });

  test(`${transport}: a validator is told who changed what`, async (t) => {
    const { host } = await open(t, transport);
    const manifest = parseManifest({ name: "renamer", version: "1.0.0", pouch: { api: "1", points: ["container.preCreate"] } });
    const plugin = { preCreate: (draft: ContainerCreateConfig) => void (draft.Hostname &&= "new") };
    const registrations = [{ kind: "container", plugin } as const];
    host.add(new InProcessPlugin({ manifest, registrations, settings: { configuration: {}, environment: {} } }));
    await host.preCreate(config("busybox"), {});
    await assert.rejects(host.preCreate({ ...config("busybox"), Hostname: "old" }, {}), {
      kind: "forbidden",
      message: /at container.validateCreate: renamer made old new$/,
    });
  });

  test(`${transport}: in shadow mode what it would do is traced at every point, and nothing of it is done`, async (t) => {
    const { host, assistants } = await open(t, transport, {}, "shadow");
    const container = sampleContainer({ Id: "c1" });
    const [endpoint, image] = [sampleEndpoint(), sampleImage()];
    const table = [
      { method: "GET", path: "/info", handler: () => undefined },
      { method: "GET", path: "/containers/{id}/logs", handler: () => undefined },
    ];
    await host.preStartHook();
    for (const name of ["busybox", "refuse", "throw", "invalid", "hang"]) {
      assert.deepEqual(await host.preCreate(config(name), {}), config(name));
      await host.shadowsOver();
    }
    assert.deepEqual(await host.preStart(container, { containerId: "c1" }), []);
    assert.deepEqual(await host.preCreateEndpoint("c1", ["A=1"], endpoint, {}), endpoint);
    assert.deepEqual(await readJson(await host.preUpdate(jsonStream({ Memory: 21 }), {})), { Memory: 21 });
    assert.deepEqual(await host.postUpdate(() => assert.fail("its files were put together"), ["A=1"], {}), { env: ["A=1"] });
    await host.postPull("overlayfs", image, {});
    assert.deepEqual(await host.updateHandlers(table), table);
    await host.ask("container.preRemove", () => ({ container: sampleContainer({ Name: "please-refuse" }) }), {});
    await host.shadowsOver();
    assert.deepEqual([assistants, image.unpackedTo], [[], []]);
    const calls = host.trace.last();
    assert.ok(calls.every(({ shadow }) => shadow === true));
    assert.deepEqual(
      calls.flatMap(({ withheld = [] }) => withheld),
      ["start the assistant process helper", "unpack the image for second"],
    );
    const outcomesAt = (point: string): string[] => outcomes(host, point);
    assert.deepEqual(outcomesAt("container.preCreate"), ["changed", "refused", "failed", "failed", "timeout"]);
    for (const point of ["preStart", "preCreateEndpoint", "preUpdate", "postUpdate"])
      assert.deepEqual(outcomesAt(`container.${point}`), ["changed"], point);
    assert.deepEqual([outcomesAt("api.updateHandler"), outcomesAt("container.preRemove")], [["changed"], ["refused"]]);
  });

  test(`${transport}: garbage is checked as a client's body is, is the plugin's failure, and opens its circuit`, async (t) => {
    const { host, instance } = await open(t, transport);
    const prefix = `plugin "${instance.manifest.name}" at container.preCreate: `;
    for (const [hostConfig, message, field] of [
      ['{"Memory": -5}', "Minimum memory limit allowed is 6MB, since it changed HostConfig.Memory", "/HostConfig/Memory"],
      ['{"Memory": 1e308}', /^HostConfig\.Memory must be <= 9223372036854776000, got 1e\+308$/, "/HostConfig/Memory"],
      [
        '{"NetworkMode": "container:"}',
        "Invalid network mode: invalid container format container:<name|id>, since it changed HostConfig.NetworkMode",
        "/HostConfig/NetworkMode",
      ],
      [
        '{"PortBindings": {"99999/tcp": []}}',
        'invalid port specification: "99999", since it changed HostConfig.PortBindings',
        "/HostConfig/PortBindings",
      ],
      ['{"UTSMode": "\\ud800"}', "HostConfig.UTSMode holds half of a surrogate pair, which is no text", "/HostConfig/UTSMode"],
    ] as const)
      await assert.rejects(host.preCreate({ ...config("garbage"), Cmd: [hostConfig] }, {}), (error: EngineError) => {
        const { kind, details } = error;
        // What the SDK refuses in the plugin's process arrives as words.
        const pointer = transport.endsWith(" process") && field === "/HostConfig/UTSMode" ? undefined : field;
        assert.deepEqual([kind, details["point"], details["field"]], ["internal", "container.preCreate", pointer]);
        assert.ok(error.message.startsWith(prefix), error.message);
        const said = error.message.slice(prefix.length);
        if (typeof message === "string") assert.equal(said, message);
        else assert.match(said, message);
        return true;
      });
    await assert.rejects(host.preCreate(config("busybox"), {}), /not called for another 30 s after 5 failures in a row/);
  });

  test(`${transport}: a client's own mistake stays the client's`, async (t) => {
    const { host } = await open(t, transport);
    const mistaken = { ...config("busybox"), HostConfig: { Memory: 5 } };
    for (let round = 0; round < 6; round += 1) assert.deepEqual((await host.preCreate(mistaken, {})).HostConfig, { Memory: 5 });
  });

  if (transport !== "python")
    test(`${transport}: what JSON cannot hold is told by its field`, async (t) => {
      const { host } = await open(t, transport);
      for (const [garbage, said] of [
        ["NaN", /: HostConfig\.Memory is NaN, which JSON cannot hold$/],
        ["BigInt", /: HostConfig\.Memory is a bigint, which JSON cannot hold$/],
        ["function", /: HostConfig\.Memory is a function, which JSON cannot hold$/],
        ["cycle", /: HostConfig\.self\.self.* or contains itself$/],
        ["holes", /: the body holds more than \d+ values$/],
      ] as const)
        await assert.rejects(
          host.preCreate({ ...config("javascript"), Cmd: [garbage] }, {}),
          (error: EngineError) => ["internal", "resourceExhausted"].includes(error.kind) && said.test(error.message),
          garbage,
        );
    });

  test(`${transport}: an answer of 50 MB is refused`, async (t) => {
    // What the plugin holds of an answer that is read slowly is not what this is about.
    const { host } = await open(t, transport, { memoryLimitMb: 4096 });
    const links = host.registry.chain("container.preCreate");
    const [link] = links;
    if (link !== undefined) Object.assign(link.settings, { timeoutMs: 60_000 });
    await assert.rejects(
      host.preCreate(config("big"), {}),
      /at container.preCreate: (its answer is larger than|the body holds more than) \d+ (bytes|characters)/,
    );
    assert.equal((await host.preCreate(config("busybox"), {})).Env?.length, 2);
  });

  test(`${transport}: hooks, endpoints, updates, volumes and pods`, async (t) => {
    const { host } = await open(t, transport);
    assert.deepEqual(await host.preStart({ Id: "c1" } as ContainerInspect, {}), [
      { priority: 5, args: ["/bin/true", "c1"], timeoutSeconds: 30, plugin: host.registry.slots().next().value?.name },
    ]);
    const endpoint = await host.preCreateEndpoint("c1", ["A=1", "B=2"], sampleEndpoint(), {});
    assert.deepEqual([endpoint.priority, endpoint.disableResolver, endpoint.genericParams], [2, true, { container: "c1" }]);
    assert.deepEqual(await readJson(await host.preUpdate(jsonStream({ Memory: 21 }), {})), { Memory: 42 });
    assert.deepEqual(await host.postUpdate((use) => use("/rootfs"), ["A=1"], {}), { env: ["A=1", "ROOTFS=/rootfs"] });
    assert.deepEqual((await host.preVolumeCreate(sampleVolumeConfig(), {})).Labels, { conformance: "yes" });
    const pod = await host.criPreRunPodSandbox({ metadata: { name: "web" } }, { runtimeHandler: "runc" }, {});
    assert.deepEqual(pod, { metadata: { name: "web" }, annotations: { handler: "runc" } });
    assert.deepEqual((await host.criPreCreateContainer(config("busybox"), { sandbox: "p1" }, {})).Labels, { pod: "p1" });
  });

  test(`${transport}: an exec is changed and refused`, async (t) => {
    const { host } = await open(t, transport);
    const exec = (User: string): Promise<unknown> => host.change("container.preExec", { config: { User, Cmd: ["sh"] } }, {});
    assert.deepEqual(await exec("1"), { User: "1", Cmd: ["sh"], Env: ["CONFORMANCE=yes"] });
    await assert.rejects(exec("please-refuse"), { kind: "forbidden", message: /at container.preExec: refused by the plugin$/ });
  });

  test(`${transport}: a pull is changed and refused`, async (t) => {
    const { host } = await open(t, transport);
    const pull = (reference: string): Promise<ImageRequest> =>
      host.change("image.prePull", { request: { reference, platform: "" } }, {});
    assert.deepEqual(await pull("busybox:latest"), { reference: "busybox:latest", platform: "linux/arm64" });
    await assert.rejects(pull("please-refuse"), { kind: "forbidden", message: /at image.prePull: refused by the plugin$/ });
  });

  test(`${transport}: a network's create is changed and refused`, async (t) => {
    const { host } = await open(t, transport);
    const create = (Name: string): Promise<object> => host.change("network.preCreate", { config: { Name } }, {});
    assert.deepEqual(await create("web"), { Name: "web", Labels: { conformance: "yes" } });
    await assert.rejects(create("please-refuse"), { kind: "forbidden", message: /at network.preCreate: refused by the plugin$/ });
  });

  for (const [point, view] of Object.entries(toldWith) as [keyof typeof toldWith, (word: string) => never][])
    test(`${transport}: ${point} shows its view, and what the plugin throws is traced and no more`, async (t) => {
      const { host, log } = await open(t, transport);
      for (const word of ["nothing", "please-refuse"]) await host.tell(point, () => view(word), {});
      assert.deepEqual(outcomes(host, point), ["unchanged", "failed"]);
      assert.ok(
        log.some((line) => line.endsWith(`at ${point}: refused by the plugin; it goes on`)),
        log.join("\n"),
      );
    });

  // Each view is that of its point.
  for (const [point, view] of Object.entries(askedWith) as [keyof typeof askedWith, (word: string) => never][])
    test(`${transport}: ${point} shows its view, and what the plugin throws refuses`, async (t) => {
      const { host } = await open(t, transport);
      const name = host.registry.slots().next().value?.name;
      const ask = (word: string): Promise<void> => host.ask(point, () => view(word), {});
      await ask("nothing");
      await assert.rejects(ask("please-refuse"), {
        kind: "forbidden",
        message: `plugin "${name}" at ${point}: refused by the plugin`,
      });
      assert.deepEqual(outcomes(host, point), ["unchanged", "failed"]);
    });

  test(`${transport}: a pulled image is unpacked into a second snapshotter, once`, async (t) => {
    const { host } = await open(t, transport);
    const image = sampleImage();
    await host.postPull("overlayfs", image, {});
    await host.postPull("overlayfs", image, {});
    assert.deepEqual(image.unpackedTo, ["second"]);
  });

  test(`${transport}: assistants are started through the supervisor`, async (t) => {
    const { host, assistants } = await open(t, transport);
    await host.preStartHook();
    assert.deepEqual(assistants, ["helper: sleep 1"]);
  });

  test(`${transport}: routes are added, removed and replaced; a stream of the original passes through`, async (t) => {
    const { host } = await open(t, transport);
    let release: () => void = () => undefined;
    const table = await host.updateHandlers([
      { method: "GET", path: "/info", handler: (_request, response) => void response.end("info") },
      { method: "GET", path: "/_ping", handler: (_request, response) => void response.end("OK") },
      {
        method: "GET",
        path: "/containers/{id}/logs",
        handler: async (request, response, { id }) => {
          response.write(`first of ${id} ${request.url}\n`);
          await new Promise<void>((resolve) => {
            release = resolve;
          });
          response.end("last");
        },
      },
    ]);
    const get = await fetchTable(t, table);
    assert.equal((await get("/info")).status, 404);
    assert.equal(await (await get("/_ping")).text(), "OK");
    assert.deepEqual(await (await get("/v1.43/conformance/x%20y?a=1")).json(), {
      name: "x%20y",
      url: "/v1.43/conformance/x%20y?a=1",
    });

    const streamed = await get("/v1.43/containers/c1/logs?follow=1");
    assert.equal(streamed.headers.get("x-conformance"), "yes");
    const reader = (streamed.body ?? assert.fail("no body")).pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader.read()).value, "first of c1 /v1.43/containers/c1/logs?follow=1\n");
    release();
    assert.equal((await reader.read()).value, "last");
  });

  test(`${transport}: a canary answers, and what it fails the old version does; what lasts is the old one's`, async (t) => {
    const { host, log, runtimeDirectory, assistants } = await open(t, transport);
    const permissions = { fields: { "container.preCreate": ["Env.WORD", "Labels.conformance"] } };
    const more = { version: "2.0.0", permissions };
    const instance = await (transports[transport] ?? unknownTransport)(log, runtimeDirectory, more);
    const slot = host.registry.slots().next().value ?? assert.fail("no plugin");
    const links = linksOf(host.registry, slot, instance);
    const [warn, passed] = [(line: string) => void log.push(line), (reason: string) => assert.fail(reason)];
    const options = { sharePercent: 99, failures: { calls: 100 } };
    const canary = new Canary({ instance, options, links, since: 0, random: () => 0, warn, passed });
    slot.canary = canary;
    try {
      assert.equal((await host.preCreate(config("busybox"), {})).Env?.length, 2);
      await assert.rejects(host.preCreate(config("refuse"), {}), { kind: "forbidden" });
      const versions = host.trace.last().map(({ point, version, outcome }) => `${point} ${version} ${outcome}`);
      assert.deepEqual(versions, [
        "container.preCreate 2.0.0 changed",
        "container.validateCreate 2.0.0 unchanged",
        "container.preCreate 2.0.0 failed",
      ]);
      assert.equal(canary.facts.Failures, 0);

      assert.deepEqual((await host.preStart(sampleContainer({ Id: "c1" }), {}))[0]?.args, ["/bin/true", "c1"]);
      assert.equal((await host.preCreateEndpoint("c1", ["A=1"], sampleEndpoint(), {})).priority, 1);
      assert.deepEqual(await readJson(await host.preUpdate(jsonStream({ Memory: 21 }), {})), { Memory: 42 });
      assert.deepEqual(await host.postUpdate((use) => use("/rootfs"), ["A=1"], {}), { env: ["A=1", "ROOTFS=/rootfs"] });
      assert.deepEqual((await host.preVolumeCreate(sampleVolumeConfig(), {})).Labels, { conformance: "yes" });
      const image = sampleImage();
      await host.postPull("overlayfs", image, {});
      assert.deepEqual(image.unpackedTo, ["second"]);
      assert.equal(canary.facts.Failures, 6, "it may none of that");

      await host.preStartHook();
      assert.deepEqual([assistants, canary.facts.Failures], [["helper: sleep 1"], 6]);
    } finally {
      slot.canary = undefined;
      await instance.close();
    }
  });

  test(`${transport}: what the manifest does not ask for is refused at every point, and what it asks for is not`, async (t) => {
    const routes = [
      { method: "GET", path: "/info", handler: () => undefined },
      { method: "GET", path: "/containers/{id}/logs", handler: () => undefined },
    ];
    const uses: [what: RegExp, (host: PluginHost) => Promise<unknown>][] = [
      [/it changed (Env.WORD|Labels.conformance) without a grant/, (host) => host.preCreate(config("busybox"), {})],
      [/it changed priority without a grant/, (host) => host.preCreateEndpoint("c1", ["A=1"], sampleEndpoint(), {})],
      [/it changed Memory without a grant/, (host) => host.preUpdate(jsonStream({ Memory: 21 }), {})],
      [/it changed Env.ROOTFS without a grant/, (host) => host.postUpdate((use) => use("/rootfs"), ["A=1"], {})],
      [/it returned hooks without a grant/, (host) => host.preStart(sampleContainer({ Id: "c1" }), {})],
      [/it asked to unpack the image for second without a grant/, (host) => host.postPull("overlayfs", sampleImage(), {})],
      [/it asked for the assistant process helper without a grant/, (host) => host.preStartHook()],
      [/it asked to remove GET .info without a grant/, (host) => host.updateHandlers(routes)],
    ];
    const refusing = (await open(t, transport, { permissions: {} })).host;
    for (const [what, use] of uses) await assert.rejects(use(refusing), what);

    const permissions: PluginPermissions = {
      fields: {
        "container.preCreate": ["Env.WORD", "Labels.conformance"],
        "container.preCreateEndpoint": ["priority", "disableResolver", "genericParams.container"],
        "container.preUpdate": ["Memory"],
        "container.postUpdate": ["Env.ROOTFS"],
      },
      routes: ["remove GET /info", "add GET /conformance/*", "replace GET /containers/{id}/logs"],
      hooks: true,
      assistants: true,
      rootfs: true,
      unpack: true,
    };
    const granting = (await open(t, transport, { permissions })).host;
    for (const [, use] of uses) await use(granting);
  });

  if (!isolated) continue;

  test(`${transport}: a plugin that exits fails its own call only, and is there again`, async (t) => {
    const { host, instance, log } = await open(t, transport);
    const pid = (instance as InstalledPlugin).pid;
    await assert.rejects(host.preCreate(config("exit"), {}), { kind: "unavailable" });
    for (let round = 0; round < 400 && (instance as InstalledPlugin).restarts === 0; round += 1) await sleep(25);
    assert.equal((await host.preCreate(config("busybox"), {})).Env?.length, 2);
    assert.notEqual((instance as InstalledPlugin).pid, pid);
    assert.ok(
      log.some((line) => line === "its process ended with status 3; starting it again"),
      log.join("\n"),
    );
  });

  test(`${transport}: a plugin that takes too much memory is ended and started again`, async (t) => {
    const { host, instance, log } = await open(t, transport);
    const [link] = host.registry.chain("container.preCreate");
    if (link !== undefined) Object.assign(link.settings, { timeoutMs: 8000 });
    await assert.rejects(host.preCreate(config("leak"), {}), { kind: "unavailable" });
    for (let round = 0; round < 100 && (instance as InstalledPlugin).restarts === 0; round += 1) await sleep(50);
    assert.equal((await host.preCreate(config("busybox"), {})).Env?.length, 2);
    assert.ok(
      log.some((line) => /its process uses \d+ MB of memory, more than its limit of 128 MB/.test(line)),
      log.join("\n"),
    );
  });
}

test("child process: a plugin that loops for ever is ended and started again", async (t) => {
  const { host, instance, log } = await open(t, "child process");
  await assert.rejects(host.preCreate(config("loop"), {}), { kind: "deadlineExceeded" });
  for (let round = 0; round < 200 && (instance as InstalledPlugin).restarts === 0; round += 1) await sleep(50);
  assert.equal((await host.preCreate(config("busybox"), {})).Env?.length, 2);
  assert.ok(log.includes("its process is stuck; ending it"), log.join("\n"));
});

function unknownTransport(): never {
  return assert.fail("unknown transport");
}
