import { loadPlugin, sampleContainer } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const directory = new URL("..", import.meta.url);

async function hooksFor(Labels: Record<string, string>) {
  const plugin = await loadPlugin(directory);
  const { hooks } = await plugin.call("container.preStart", { container: sampleContainer({ Config: { Labels } }) });
  return hooks;
}

test("one hook comes before the network, one after it", async () => {
  const hooks = await hooksFor({ "net-qos.rate": "10mbit", "net-qos.somaxconn": "1024" });
  assert.deepEqual(
    hooks.map(({ priority, env }) => [Math.sign(priority), env?.[1]]),
    [
      [1, "BACKLOG=1024"],
      [-1, "RATE=10mbit"],
    ],
  );
});

test("a hook finds the container's process in the state that runc hands it", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "net-qos-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [before] = await hooksFor({ "net-qos.report": join(folder, "seen") });
  const script = before?.args[2]?.replace('nsenter -t "$pid" -n ip -o addr show', 'echo "pid $pid"') ?? "";
  const state = JSON.stringify({ ociVersion: "1.0.2", id: "c1", status: "created", pid: 4711, bundle: "/b" }, undefined, 2);
  execFileSync("/bin/sh", ["-ec", script], { input: state, env: { PATH: process.env["PATH"], REPORT: join(folder, "seen") } });
  assert.equal(readFileSync(join(folder, "seen"), "utf8"), "pid 4711\n");
});

for (const [label, value] of [
  ["net-qos.rate", "fast; rm -rf /"],
  ["net-qos.somaxconn", "$(reboot)"],
  ["net-qos.report", "relative"],
] as const) {
  test(`${label}=${value} is refused`, async () => {
    await assert.rejects(hooksFor({ [label]: value }), { kind: "invalidArgument" });
  });
}
