import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { openNetworkBarrier, withBarrier } from "./network-barrier.ts";

const run = promisify(execFile);

async function barrierFor(t: TestContext, connect: () => Promise<void>) {
  const directory = mkdtempSync(join(tmpdir(), "barrier-"));
  const barrier = await openNetworkBarrier({
    makeFifo: async (path) => void (await run("mkfifo", [path])),
    directory,
    shell: "/bin/sh",
    timeoutSeconds: 5,
    connect,
  });
  t.after(async () => {
    await barrier.close();
    assert.deepEqual(readdirSync(directory), []);
    rmSync(directory, { recursive: true });
  });
  const [program = "", ...args] = barrier.hook.args;
  return { barrier, hook: () => run(program, args, { timeout: 5000 }) };
}

test("the hook ends when the network is connected, not before", async (t) => {
  let connected = false;
  const { hook } = await barrierFor(t, async () => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    connected = true;
  });
  await hook();
  assert.equal(connected, true);
});

test("a network that cannot be connected fails the hook, and its error is kept", async (t) => {
  const { barrier, hook } = await barrierFor(t, () => Promise.reject(new Error("no such bridge")));
  await assert.rejects(hook(), /the network could not be connected/);
  assert.equal(String(barrier.failure), "Error: no such bridge");
});

test("hooks above 0 come before the network, all others after it", () => {
  const hook = (plugin: string, priority: number) => ({ plugin, priority, args: ["/x"], timeoutSeconds: 30 });
  const order = withBarrier([hook("a", 5), hook("b", 1), hook("c", 0), hook("d", -1)], hook("network", 0));
  assert.deepEqual(
    order.map(({ plugin }) => plugin),
    ["a", "b", "network", "c", "d"],
  );
});
