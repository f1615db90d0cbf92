import { conflict } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { eventsOf, folders, isGone, sockets, until, world } from "../testing/canary-world.ts";
import { home, hostname } from "../testing/manager-home.ts";
import { policy } from "../testing/policy-folder.ts";

test("a canary takes its share beside the old version; promoted it takes all", async (t) => {
  const w = await world(t);
  const { h, daemon, dice, begin } = w;
  h.plugin("tool", { version: "2.0.0", hostname: "new" });
  await begin();
  const { Pouch } = await daemon.manager.inspect("tool");
  assert.deepEqual([Pouch?.Version, Pouch?.Canary?.Version, Pouch?.Canary?.Share], ["1.0.0", "2.0.0", "50%"]);
  assert.equal(await hostname(daemon), "new");
  dice.random = 0.5;
  assert.equal(await hostname(daemon), "old");
  assert.equal((await daemon.manager.inspect("tool")).Pouch?.Canary?.Calls, 1);
  assert.deepEqual(
    daemon.host.trace.last({ plugin: "tool" }).map(({ version }) => version),
    ["2.0.0", "1.0.0"],
  );

  const promoted = await daemon.manager.canaries.promote("tool");
  assert.deepEqual([promoted.Pouch?.Version, promoted.Pouch?.Canary], ["2.0.0", null]);
  assert.equal(await hostname(daemon), "new");
  await isGone(w);
  assert.deepEqual(eventsOf(w), [
    ["canary", { version: "2.0.0", share: "50%" }],
    ["canary-promoted", { version: "2.0.0" }],
  ]);
  await daemon.close();
  assert.equal(await hostname(await h.daemon()), "new");
});

test("what a canary may do is told beside what the old version may", async (t) => {
  const w = await world(t);
  const { h, daemon } = w;
  const pouch = { permissions: { fields: { "container.preCreate": ["Hostname"] } } };
  h.plugin("tool", { version: "2.0.0", hostname: "new", pouch });
  const canary = { sharePercent: 50, failures: { calls: 2 } };
  await daemon.manager.reload("tool", undefined, { canary, privileges: "all" });
  const report = daemon.manager.permissions("tool");
  const { Canary, Permissions } = (await daemon.manager.inspect("tool")).Pouch ?? {};
  const fields = (privileges: readonly { Name: string; Value: readonly string[] }[] = []): readonly string[] | undefined =>
    privileges.find(({ Name }) => Name === "fields at container.preCreate")?.Value;
  for (const facts of [report.Canary, Canary?.Permissions])
    for (const list of [facts?.Asked, facts?.Granted]) assert.deepEqual(fields(list), ["Hostname"]);
  assert.equal(report.Canary?.Version, "2.0.0");
  for (const list of [report.Asked, report.Granted, Permissions?.Asked]) assert.notDeepEqual(fields(list), ["Hostname"]);
  await daemon.manager.canaries.promote("tool");
  assert.equal(daemon.manager.permissions("tool").Canary, null);
});

test("aborted it takes none, and nothing of it is left", async (t) => {
  const w = await world(t);
  w.h.plugin("tool", { version: "2.0.0", hostname: "new" });
  await w.begin();
  await w.daemon.manager.canaries.abort("tool");
  assert.deepEqual([folders(w.h).length, sockets(w.h).length], [1, 1]);
  assert.equal(await hostname(w.daemon), "old");
  assert.deepEqual(eventsOf(w).at(-1), ["canary-aborted", { version: "2.0.0", reason: "it was aborted" }]);
  for (const end of ["promote", "abort"] as const)
    await assert.rejects(w.daemon.manager.canaries[end]("tool"), {
      kind: "failedPrecondition",
      message: /^plugin tool has no canary: /,
    });
});

test("one that fails goes back by itself: the old version has answered, and calls in it end", async (t) => {
  const w = await world(t);
  const { h, daemon, begin } = w;
  const stop = join(h.root, "stop");
  h.plugin("tool", {
    version: "2.0.0",
    code: `async preCreate(config) {
      if (config.Hostname !== "wait") throw new Error("boom");
      const { existsSync } = await import("node:fs");
      while (!existsSync(${JSON.stringify(stop)})) await new Promise((resolve) => setTimeout(resolve, 10));
      config.Hostname = "new";
    }`,
  });
  await begin();
  const inFlight = daemon.host.preCreate({ Hostname: "wait", HostConfig: {} }, {});
  for (let call = 0; call < 2; call += 1) assert.equal(await hostname(daemon), "old");
  assert.equal((await daemon.manager.inspect("tool")).Pouch?.Canary, null);
  const reason = `of its 2 calls 2 failed, the last: plugin "tool" at container.preCreate: boom (the limit: 2)`;
  assert.deepEqual(eventsOf(w).at(-1), ["canary-failed", { version: "2.0.0", reason }]);
  assert.ok(daemon.logs.lines("tool").some((line) => line.endsWith(`its canary 2.0.0 is taken back: ${reason}`)));
  assert.equal(await hostname(daemon), "old");
  assert.equal(folders(h).length, 2, "a call is still in it");
  writeFileSync(stop, "");
  assert.equal((await inFlight).Hostname, "new");
  await isGone(w);
});

test("a version that asks for more than was granted is no canary until that is granted, and then may do that", async (t) => {
  const w = await world(t);
  const { h, daemon, dice, begin } = w;
  const asking = (version: string, ...fields: string[]): string =>
    h.plugin("tool", {
      version,
      hostname: version,
      pouch: { permissions: { fields: { "container.preCreate": fields } } },
    });
  asking("2.0.0", "Hostname");
  await daemon.manager.reload("tool");
  asking("3.0.0", "Hostname", "User");
  await assert.rejects(begin(), { kind: "forbidden", message: /were not granted: fields at container.preCreate: \[User\]/ });
  assert.deepEqual([folders(h).length, sockets(h).length], [1, 1]);
  const canary = { sharePercent: 50, failures: { calls: 2 } };
  await daemon.manager.reload("tool", undefined, { canary, privileges: "all" });
  assert.equal(await hostname(daemon), "3.0.0");
  const granted = async (): Promise<unknown> => (await daemon.manager.inspect("tool")).Pouch?.Permissions?.Granted[0]?.Value;
  assert.deepEqual(await granted(), ["Hostname"], "as long as it is tried the grant is not the plugin's");
  await daemon.manager.canaries.promote("tool");
  dice.random = 0.9;
  assert.equal(await hostname(daemon), "3.0.0");
  assert.deepEqual(await granted(), ["Hostname", "User"]);
});

test("a canary needs the same points, a plugin that is called, and somewhere to come from", async (t) => {
  const w = await world(t);
  const { h, daemon, begin } = w;
  h.plugin("tool", { version: "2.0.0", pouch: { priority: 1 } });
  await assert.rejects(begin(), /cannot be a canary beside 1.0.0: it has priority 1 at container.preCreate in the place of 0/);
  h.plugin("tool", { version: "2.0.0", code: "preCreate( {" });
  await assert.rejects(begin(), /plugin "tool" could not be started/);
  h.plugin("tool", { version: "2.0.0", hostname: "new" });
  await daemon.manager.disable("tool");
  await assert.rejects(begin(), { kind: "failedPrecondition", message: /^plugin tool is not called now/ });
  const canary = { sharePercent: 5, failures: { calls: 3 } };
  await assert.rejects(daemon.manager.reload("compiled-in", undefined, { canary }), /compiled into the daemon: build it anew/);
  await daemon.manager.enable("tool");
  await isGone(w);
});

test("in shadow mode there is no canary, and the mode ends one", async (t) => {
  const w = await world(t);
  const { daemon, begin } = w;
  await begin();
  await daemon.manager.setMode("tool", "shadow");
  await isGone(w);
  const reason = "its plugin was put into shadow mode";
  assert.deepEqual(eventsOf(w).at(-1), ["canary-aborted", { version: "1.0.0", reason }]);
  assert.ok(daemon.logs.lines("tool").some((line) => line.endsWith(`its canary 1.0.0 is taken back: ${reason}`)));
  await assert.rejects(begin(), { kind: "failedPrecondition", message: /^plugin tool is in shadow mode/ });
  await isGone(w);
});

test("a plugin that was sent is started anew by a reload, which ends its canary and says so", async (t) => {
  const w = await world(t);
  const { h, daemon } = w;
  const sent = (): { archive: Readable } => {
    const folder = h.plugin("tool", { version: "2.0.0" });
    return { archive: Readable.from([execFileSync("tar", ["-c", "-C", folder, "."])]) };
  };
  await daemon.manager.remove("tool", { force: true });
  await daemon.manager.install(sent());
  await daemon.manager.reload("tool", sent(), { canary: { sharePercent: 50, failures: { calls: 2 } } });
  await daemon.manager.reload("tool");
  await isGone(w);
  assert.equal(eventsOf(w, "canary-").at(-1)?.[1]["reason"], "its plugin was started anew");
});

test("what else is done to the plugin ends its canary", async (t) => {
  const w = await world(t);
  const { h, daemon, begin } = w;
  const endings: [string, () => Promise<unknown>][] = [
    ["another canary takes its place", () => begin()],
    ["another version was loaded", () => daemon.manager.reload("tool")],
    ["its plugin is taken out", () => daemon.manager.disable("tool")],
    ["its plugin is taken out", () => daemon.manager.remove("tool", { force: true })],
  ];
  for (const [index, [reason, ending]] of endings.entries()) {
    h.plugin("tool", { version: `2.${index}.0`, hostname: "new" });
    await begin();
    await ending();
    assert.deepEqual(eventsOf(w, "canary-").at(-1), ["canary-aborted", { version: `2.${index}.0`, reason }]);
    if (index === 2) await daemon.manager.enable("tool");
  }
  assert.deepEqual([folders(h), sockets(h)], [[], []]);
});

test("a reload that fails leaves the canary as it is", async (t) => {
  const { h, daemon, begin } = await world(t);
  h.plugin("tool", { version: "2.0.0", hostname: "new" });
  await begin();
  h.plugin("tool", { version: "3.0.0", code: "preCreate( {" });
  await assert.rejects(daemon.manager.reload("tool"), /could not be started/);
  await assert.rejects(begin(), /could not be started/);
  assert.equal(await hostname(daemon), "new");
});

test("a daemon that starts goes on with the old version, and says that the canary is gone", async (t) => {
  const w = await world(t);
  const { h, daemon, begin } = w;
  h.plugin("tool", { version: "2.0.0", hostname: "new" });
  await begin();
  await daemon.close();
  assert.deepEqual([folders(h).length, sockets(h).length], [2, 0]);
  const next = await h.daemon();
  assert.equal(await hostname(next), "old");
  assert.equal(folders(h).length, 1);
  const reason = "the daemon ended while it was tried";
  assert.deepEqual(eventsOf({ ...w, daemon: next }), [["canary-failed", { version: "2.0.0", reason }]]);
  await next.close();
  assert.deepEqual(eventsOf({ ...w, daemon: await h.daemon() }), [], "it is told once");
});

test("one that passed no limit is promoted by itself when its time has come and it was called", async (t) => {
  const { h, daemon, begin } = await world(t);
  h.plugin("tool", { version: "2.0.0", hostname: "new" });
  await begin({ promoteAfterMs: 50 });
  await until(
    "its time came again",
    () => daemon.logs.lines("tool").filter((line) => line.includes("is promoted in")).length > 1,
  );
  const { Version, Canary } = (await daemon.manager.inspect("tool")).Pouch ?? {};
  assert.deepEqual([Version, (Canary?.PromoteAt ?? "") > (Canary?.Since ?? "")], ["1.0.0", true]);
  assert.equal(await hostname(daemon), "new");
  await until("it is promoted", async () => (await daemon.manager.inspect("tool")).Pouch?.Version === "2.0.0");
});

test("one that cannot be promoted is gone, and the old version goes on", async (t) => {
  let broken = false;
  const w = await world(t, {
    rebuildRoutes: async () => {
      if (broken) throw conflict("two routes answer GET /x");
    },
  });
  const { h, daemon, begin } = w;
  const pouch = { points: ["container.preCreate", "api.updateHandler"] };
  const code = (name: string): string =>
    `preCreate(config) { config.Hostname = "${name}"; } });
import { registerApiPlugin } from "@pouchcontainer/plugin-sdk";
registerApiPlugin({ updateHandler: (handlers) => handlers `;
  h.plugin("tool", { version: "1.5.0", pouch, code: code("older") });
  await daemon.manager.reload("tool");
  h.plugin("tool", { version: "2.0.0", pouch, code: code("new") });
  await begin();
  assert.equal(await hostname(daemon), "new");
  broken = true;
  await assert.rejects(daemon.manager.canaries.promote("tool"), /two routes answer GET \/x/);
  assert.equal(await hostname(daemon), "older");
  await isGone(w);
  assert.equal(eventsOf(w).at(-1)?.[0], "canary-failed");
});

test("rules that are changed are tried as code is", async (t) => {
  const h = home(t);
  const dice = { random: 0 };
  const daemon = await h.daemon({ random: () => dice.random });
  await daemon.manager.install({ reference: policy(h, "rules", "Object{Hostname: 'old'}") });
  const canary = { sharePercent: 50, failures: { calls: 2 } };
  policy(h, "rules", "Object{Hostname: 'new'}", {}, "2.0.0");
  await daemon.manager.reload("rules", undefined, { canary });
  assert.equal(await hostname(daemon), "new");
  dice.random = 0.5;
  assert.equal(await hostname(daemon), "old");
  dice.random = 0;
  policy(h, "rules", "Object{Hostname: object.Labels['none']}", {}, "3.0.0");
  await daemon.manager.reload("rules", undefined, { canary });
  for (let call = 0; call < 2; call += 1) assert.equal(await hostname(daemon), "old");
  assert.equal((await daemon.manager.inspect("rules")).Pouch?.Canary, null);
  await until("its folder is gone", () => folders(h).length === 1);
});
