import type { Volume } from "@pouchcontainer/api";
import type { PluginKind, PluginKinds, PointName } from "@pouchcontainer/plugin-sdk";
import { forbidden } from "@pouchcontainer/errors";
import { compileBodyChecks, InProcessPlugin, parseManifest, type Registration } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainer, sampleVolume } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";
import { dryRun } from "./dry-run.ts";
import { PluginHost } from "./plugin-host.ts";

interface World {
  host: PluginHost;
  log: string[];
  add: <K extends PluginKind>(name: string, kind: K, plugin: PluginKinds[K], pouch?: object) => void;
}

function world(): World {
  const log: string[] = [];
  const write = (message: string): void => void log.push(message);
  const host = new PluginHost({
    checks: compileBodyChecks(),
    logOf: () => ({ debug: write, info: write, warn: write, error: write }),
    supervisorOf: () => ({ start: () => Promise.reject(new Error("no assistants in this test")) }),
    stateDirectoryOf: (plugin) => `/nowhere/${plugin}`,
  });
  const add: World["add"] = (name, kind, plugin, pouch = {}) => {
    const points = Object.keys(plugin).map((method) => `${kind}.${method}` as PointName);
    const manifest = parseManifest({ name, version: "1.0.0", pouch: { api: "1", points, ...pouch } });
    const registrations = [{ kind, plugin } as Registration];
    host.add(new InProcessPlugin({ manifest, registrations, settings: { configuration: {}, environment: {} } }));
  };
  return { host, log, add };
}

test("who is asked sees a frozen view; without a plugin that it concerns none is made", async () => {
  const { host, add } = world();
  let views = 0;
  const ask = (labels: Record<string, string>): Promise<void> =>
    host.ask(
      "container.preRemove",
      () => {
        views += 1;
        return { container: sampleContainer() };
      },
      { containerId: "c1", labels },
    );
  await ask({ keep: "yes" });
  add(
    "keeper",
    "container",
    {
      preRemove: (container) => {
        assert.throws(() => Object.assign(container.Config, { Image: "other" }), TypeError);
        throw forbidden("it is kept");
      },
    },
    { filters: { labels: ["keep"] } },
  );
  await ask({});
  assert.equal(views, 0);
  await assert.rejects(ask({ keep: "yes" }), {
    kind: "forbidden",
    message: 'plugin "keeper" at container.preRemove: it is kept',
  });
  assert.equal(views, 1);
  assert.deepEqual(
    host.trace.last({ container: "c1" }).map(({ point, outcome }) => [point, outcome]),
    [["container.preRemove", "failed"]],
  );
});

test("a failure at a point that asks is ignored where the manifest says so", async () => {
  const { host, add, log } = world();
  const asked: string[] = [];
  const preRemove = (): never => {
    throw new Error("no database");
  };
  add("broken", "container", { preRemove }, { failurePolicy: "ignore", priority: 1 });
  add("next", "container", { preRemove: () => void asked.push("next") });
  await host.ask("container.preRemove", () => ({ container: sampleContainer() }), {});
  assert.deepEqual(asked, ["next"]);
  assert.deepEqual(log, ['plugin "broken" at container.preRemove: no database; ignored, as its failure policy says']);
});

test("a volume's labels decide whom its removal concerns", async () => {
  const { host, add } = world();
  const preRemove = (): never => {
    throw forbidden("it is kept");
  };
  add("keeper", "volume", { preRemove }, { filters: { labels: ["keep"] } });
  const remove = (volume: Volume): Promise<void> => host.ask("volume.preRemove", () => ({ volume }), {});
  await remove(sampleVolume());
  await remove(sampleVolume({ Labels: null }));
  await assert.rejects(remove(sampleVolume({ Labels: { keep: "" } })), { kind: "forbidden" });
});

test("an exec goes from plugin to plugin; what is no exec any more is its plugin's failure", async () => {
  const { host, add } = world();
  const exec = { Cmd: ["sh"] };
  assert.equal(await host.change("container.preExec", { config: exec }, {}), exec);
  add("user", "container", { preExec: (config) => void (config.User = "1000") }, { filters: { labels: ["web"] } });
  assert.deepEqual(await host.change("container.preExec", { config: exec }, { labels: {} }), { Cmd: ["sh"] });
  const context = { labels: { web: "" }, containerId: "c1" };
  assert.deepEqual(await host.change("container.preExec", { config: exec }, context), { Cmd: ["sh"], User: "1000" });
  assert.deepEqual(host.trace.ofContainer("c1")[0]?.patch, [{ op: "add", path: "/User", value: "1000" }]);
  add("wrong", "container", { preExec: (config) => ({ ...config, Cmd: 5 as unknown as string[] }) });
  await assert.rejects(host.change("container.preExec", { config: exec }, context), {
    kind: "internal",
    message: 'plugin "wrong" at container.preExec: Cmd must be array, got 5',
  });
});

test("a point that asks is tried with a view as its body", async () => {
  const { host, add } = world();
  const plugin = { preRemove: () => Promise.reject(forbidden("it is kept")) };
  add("keeper", "container", plugin, { filters: { labels: ["keep"] } });
  const tried = (Labels: object): ReturnType<typeof dryRun> =>
    dryRun(host, compileBodyChecks(), { point: "container.preRemove", body: { Config: { Labels } } });
  assert.equal((await tried({ keep: "yes" })).error, 'plugin "keeper" at container.preRemove: it is kept');
  assert.deepEqual((await tried({})).calls, []);
});

test("of what has happened each plugin is told in order, as it was then; a failure is logged and traced, and holds nothing", async () => {
  const { host, add, log } = world();
  const told: string[] = [];
  const first = Promise.withResolvers<void>();
  add("slow", "container", {
    postCreate: async ({ Name }) => {
      if (Name === "/one") await first.promise;
      told.push(Name);
      if (Name === "/two") throw new Error("no database");
    },
  });
  let Name = "/one";
  const tell = (containerId: string): void =>
    host.tellAfterwards("container.postCreate", () => ({ container: sampleContainer({ Name }) }), { containerId });
  tell("c1");
  Name = "/two";
  tell("c1");
  Name = "/other";
  tell("c2");
  await new Promise(setImmediate);
  assert.deepEqual(told, ["/other"]);
  host.forgetTrace("c1");
  first.resolve();
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.deepEqual(told, ["/other", "/one", "/two"]);
  assert.deepEqual(log, ['plugin "slow" at container.postCreate: no database; it goes on']);
  assert.deepEqual(
    host.trace.last().map(({ outcome }) => outcome),
    ["unchanged", "unchanged", "failed"],
  );
  assert.deepEqual(host.trace.ofContainer("c1"), []);
});
