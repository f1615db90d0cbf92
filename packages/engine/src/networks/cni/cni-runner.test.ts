import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { CniRunner } from "./cni-runner.ts";

/** Plugins that are shell scripts and write down how they are called. */
function plugins(t: TestContext, scripts: Record<string, string>) {
  const directory = mkdtempSync(join(tmpdir(), "pouch-plugins-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const calls = join(directory, "calls");
  for (const [name, script] of Object.entries(scripts))
    writeFileSync(
      join(directory, name),
      `#!/bin/sh\ncat >${directory}/$CNI_COMMAND-${name}.json\necho "$CNI_COMMAND ${name}" >>${calls}\n${script}\n`,
      { mode: 0o755 },
    );
  return {
    runner: new CniRunner({ binDirectories: [directory], env: { PATH: process.env["PATH"] } }),
    list: (...types: string[]) => ({ cniVersion: "1.0.0", name: "net", plugins: types.map((type) => ({ type })) }),
    calls: () => (existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : []),
    config: (call: string) => JSON.parse(readFileSync(join(directory, `${call}.json`), "utf8")) as Record<string, unknown>,
  };
}

const target = { containerId: "c1", netnsPath: "/run/net", interfaceName: "eth0" };
const answers = `[ "$CNI_COMMAND" = ADD ] && echo '{"cniVersion":"1.0.0","ips":[{"address":"192.0.2.1/24"}]}'; exit 0`;

test("a chain that fails is undone as far as it came, the last first", async (t) => {
  const { runner, list, calls } = plugins(t, { one: answers, two: answers, refuses: '[ "$CNI_COMMAND" = DEL ]' });
  await assert.rejects(runner.add(list("one", "two", "refuses", "never"), target), /refuses/);
  assert.deepEqual(calls(), ["ADD one", "ADD two", "ADD refuses", "DEL refuses", "DEL two", "DEL one"]);
});

test("a plugin that is missing ends the chain, and those before it are undone", async (t) => {
  const { runner, list, calls } = plugins(t, { one: answers });
  await assert.rejects(runner.add(list("one", "missing"), target), (error: unknown) => isKind(error, "unavailable"));
  assert.deepEqual(calls(), ["ADD one", "DEL one"]);
});

test("a DEL that fails keeps no other plugin from giving back what it holds", async (t) => {
  const { runner, list, calls } = plugins(t, { one: answers, refuses: "exit 1" });
  await assert.rejects(runner.remove(list("one", "refuses", "missing"), target), /missing/);
  assert.deepEqual(calls(), ["DEL refuses", "DEL one"]);
});

test("a plugin that hangs is killed at the deadline, or when nobody wants it any more", async (t) => {
  const { runner, list } = plugins(t, { hangs: '[ "$CNI_COMMAND" = DEL ] || sleep 60' });
  const timed = runner.add(list("hangs"), target, { timeoutMs: 300 });
  await assert.rejects(timed, (error: unknown) => isKind(error, "deadlineExceeded"));
  const cancelled = runner.add(list("hangs"), target, { signal: AbortSignal.timeout(200) });
  await assert.rejects(cancelled, (error: unknown) => isKind(error, "cancelled"));
});

test("what is not a result is the plugin's failure", async (t) => {
  for (const printed of ["what?", "[]", "null", '{"ips":"none"}', '{"ips":[{"address":7}]}', '{"interfaces":[null]}']) {
    const { runner, list } = plugins(t, { babbles: `[ "$CNI_COMMAND" = DEL ] || echo '${printed}'` });
    await assert.rejects(runner.add(list("babbles"), target), /babbles \(ADD\) printed/, printed);
  }
});

test("a result goes to the plugins after it, and from version 0.4.0 on to CHECK and DEL", async (t) => {
  const { runner, list, config } = plugins(t, { one: answers, two: answers });
  const result = await runner.add(list("one", "two"), target);
  assert.equal(config("ADD-one")["prevResult"], undefined);
  assert.deepEqual(config("ADD-two")["prevResult"], result);
  await runner.check(list("one"), target, result);
  assert.deepEqual(config("CHECK-one")["prevResult"], result);
  await runner.remove({ ...list("two"), cniVersion: "0.3.1" }, target, result);
  assert.equal(config("DEL-two")["prevResult"], undefined);
});

test("a collection of garbage says what is still in use", async (t) => {
  const { runner, list, config } = plugins(t, { one: "[ -z $CNI_CONTAINERID ]" });
  const valid = [{ containerID: "c1", ifname: "eth0" }];
  await runner.collect({ ...list("one"), cniVersion: "1.1.0" }, valid);
  assert.deepEqual(config("GC-one")["cni.dev/valid-attachments"], valid);
});
