import type { EngineError } from "@pouchcontainer/errors";
import { compileBodyChecks, isRefusal, parseManifest } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { PluginHost } from "../plugin-host.ts";
import { InstalledPlugin } from "./installed-plugin.ts";

/** A plugin that keeps to nothing: it answers `/ContainerPlugin.PreCreate` with what `fault` does to the socket. */
function program(fault: string, activate = `respond(JSON.stringify({ Implements: ["pouch.container/1"] }))`): string {
  return `
    import { createServer } from "node:http";
    import { spawn } from "node:child_process";
    import { writeFileSync } from "node:fs";
    createServer((request, response) => {
      const respond = (body, head = { "Content-Type": "application/json" }, status = 200) => response.writeHead(status, head).end(body);
      if (request.url === "/Plugin.Activate") { ${activate}; return; }
      ${fault}
    }).listen(process.env.POUCH_PLUGIN_SOCKET);`;
}

interface Faulty {
  host: PluginHost;
  plugin: InstalledPlugin;
  directory: string;
}

async function start(t: TestContext, code: string, startTimeoutMs = 5000): Promise<Faulty> {
  const directory = mkdtempSync(join(tmpdir(), "fault-"));
  writeFileSync(join(directory, "plugin.mjs"), code);
  const quiet = (): void => undefined;
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const supervisor = { start: () => Promise.reject(new Error("none here")) };
  const manifest = parseManifest({
    name: "faulty",
    version: "1.0.0",
    pouch: { api: "1", points: ["container.preCreate"], timeoutMs: 1500, command: [process.execPath, "plugin.mjs"] },
  });
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const plugin = await InstalledPlugin.start({
    manifest,
    directory,
    configuration: {},
    environment: { PATH: process.env["PATH"] ?? "" },
    childCommand: () => assert.fail("it has a command of its own"),
    runtimeDirectory: directory,
    log,
    startTimeoutMs,
  });
  t.after(() => plugin.close());
  const host = new PluginHost({
    checks: compileBodyChecks(),
    logOf: () => log,
    supervisorOf: () => supervisor,
    stateDirectoryOf: () => directory,
  });
  host.add(plugin);
  return { host, plugin, directory };
}

for (const [what, fault, message] of [
  ["garbage", `respond("<html>")`, 'its answer is not JSON: "<html>"'],
  ["nothing", `respond("")`, "it answered with an empty body where a JSON object was wanted"],
  ["a status that has no body", `response.writeHead(204).end()`, "it answered with an empty body where a JSON object was wanted"],
  ["an error without a page", `respond("", {}, 500)`, 'it answered with status 500: ""'],
  ["a number", `respond("42")`, "its answer is not a JSON object"],
  ["a config that is none", `respond('{"config": [1]}')`, "the answer is not an object"],
  ["an error page", `respond("no such thing", {}, 404)`, 'it answered with status 404: "no such thing"'],
  ["an error without a kind, as Docker's plugins do", `respond('{"Err": "no disk"}')`, "no disk"],
  [
    "half an answer",
    `response.writeHead(200, { "Content-Length": 1000 }); response.write("{"); setTimeout(() => request.socket.destroy(), 20)`,
    "its process closed the connection half way through the answer",
  ],
  ["a closed socket", `request.socket.destroy()`, /its process does not answer/],
  ["no HTTP", `request.socket.end("SSH-2.0-plugin\\r\\n")`, /its process does not answer: Parse Error/],
  [
    "an answer that never ends",
    `response.writeHead(200); const more = () => { while (response.write(" ".repeat(1 << 16))); }; response.on("drain", more); more()`,
    /its answer is larger than 16777216 bytes/,
  ],
  [
    "more values than can be looked through at a stretch",
    `respond(JSON.stringify({ config: { Labels: Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => ["l" + at, ""])) } }))`,
    "its answer has more than 40000 values",
  ],
  [
    "an Err that is no text",
    `respond('{"Err": {"code": 5}}')`,
    'Err of its answer must be a string: "{\\"Err\\": {\\"code\\": 5}}"',
  ],
  ["an answer nested without end", `respond("[".repeat(100_000))`, "its answer is nested deeper than 1000 levels"],
  ["a trickle", `response.writeHead(200); setInterval(() => response.write(" "), 100)`, "no answer within 1500 ms"],
  ["silence", "", "no answer within 1500 ms"],
] as const) {
  test(`${what}: the call fails within its deadline, with plugin and point, as no refusal, and the next one may succeed`, async (t) => {
    const { host } = await start(
      t,
      program(`if (globalThis.calls = (globalThis.calls ?? 0) + 1, globalThis.calls > 1) return respond("{}"); ${fault}`),
    );
    await assert.rejects(host.preCreate(sampleContainerConfig(), {}), (error: EngineError) => {
      assert.equal(isRefusal(error), false, error.kind);
      assert.ok(error.message.startsWith('plugin "faulty" at container.preCreate: '), error.message);
      if (typeof message === "string") assert.ok(error.message.includes(message), error.message);
      else assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(await host.preCreate(sampleContainerConfig(), {}), sampleContainerConfig());
  });
}

for (const [what, activate, message, startTimeoutMs] of [
  ["does not know the hand-shake", `respond("not found", {}, 404)`, /could not be started: it answered with status 404/, 15_000],
  [
    "implements something else",
    `respond('{"Implements": ["VolumeDriver"]}')`,
    /its manifest lists container.preCreate, but \/Plugin.Activate answers without pouch.container\/1/,
    15_000,
  ],
  ["never answers the hand-shake", "", /its process did not answer the hand-shake within 1 s/, 1000],
] as const) {
  test(`a process that ${what} is not taken in, and nothing of it stays`, async (t) => {
    await assert.rejects(start(t, program("", activate), startTimeoutMs), message);
  });
}

test("an Err that says nothing is no failure", async (t) => {
  const { host } = await start(
    t,
    program(`respond(globalThis.asked ? '{"Err": null}' : '{"Err": ""}'); globalThis.asked = true`),
  );
  for (let call = 0; call < 2; call += 1)
    assert.deepEqual(await host.preCreate(sampleContainerConfig(), {}), sampleContainerConfig());
});

test("a process whose socket is gone is started again", async (t) => {
  const { host, plugin, directory } = await start(t, program(`respond("{}", { Connection: "close" })`));
  const [sockets] = readdirSync(directory).filter((name) => /^[0-9a-f]{8}$/.test(name));
  rmSync(join(directory, sockets ?? "", "plugin.sock"));
  const lost = plugin.pid;
  await assert.rejects(async () => {
    // A connection that is kept open may still serve some.
    for (let call = 0; call < 5; call += 1) await host.preCreate(sampleContainerConfig(), {});
  }, /its process does not answer: connect ENOENT/);
  for (let round = 0; round < 250 && (plugin.restarts === 0 || !plugin.isReady); round += 1) await sleep(20);
  assert.notEqual(plugin.pid, lost);
  assert.deepEqual(await host.preCreate(sampleContainerConfig(), {}), sampleContainerConfig());
});

test("what a plugin's process forked is gone with it", async (t) => {
  const { host, plugin, directory } = await start(
    t,
    program(`
      const child = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
      child.unref();
      writeFileSync("forked", String(child.pid));
      respond("{}");`),
  );
  await host.preCreate(sampleContainerConfig(), {});
  const forked = readFileSync(join(directory, "forked"), "utf8");
  assert.ok(existsSync(`/proc/${forked}`));
  await plugin.close();
  for (let round = 0; round < 100 && isAlive(forked); round += 1) await sleep(20);
  assert.equal(isAlive(forked), false);
  assert.deepEqual(readdirSync(directory).toSorted(), ["forked", "plugin.mjs"]);
});

function isAlive(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
