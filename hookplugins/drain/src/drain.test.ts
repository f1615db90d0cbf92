import { loadPlugin, sampleContainer } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

const directory = new URL("..", import.meta.url);

function container(service: string): ReturnType<typeof sampleContainer> {
  const settings = { Networks: { web: { IPAddress: "172.20.0.2" }, none: { IPAddress: "" } } };
  return sampleContainer({
    Config: { Labels: { "drain.service": service } },
    // The part of it that is read.
    NetworkSettings: settings as unknown as ReturnType<typeof sampleContainer>["NetworkSettings"],
  });
}

/** A command that writes its arguments down. */
function recorder(t: TestContext): { command: string[]; written: () => string } {
  const folder = mkdtempSync(join(tmpdir(), "drain-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "told");
  return { command: ["/bin/sh", "-c", 'echo "$@" > "$0"', file], written: () => readFileSync(file, "utf8") };
}

test("the command is told the service, the container and its addresses", async (t) => {
  const { command, written } = recorder(t);
  const plugin = await loadPlugin(directory, { configuration: { command, seconds: 0 } });
  await plugin.call("container.preStop", { container: container("web-1.front") });
  assert.equal(written(), "web-1.front sample 172.20.0.2\n");
  assert.deepEqual(plugin.log, ["sample is out of web-1.front"]);
});

test("a label that would be an option or a path of the command is refused", async () => {
  const plugin = await loadPlugin(directory, { configuration: { command: ["/bin/false"], seconds: 0 } });
  for (const service of ["--all", "../x", "a b", ""])
    await assert.rejects(plugin.call("container.preStop", { container: container(service) }), { kind: "invalidArgument" });
});

test("a command that does not end is ended at the deadline, and one that fails is told", async () => {
  const stop = async (command: string[], options = {}): Promise<object> => {
    const plugin = await loadPlugin(directory, { configuration: { command, seconds: 0 } });
    return plugin.call("container.preStop", { container: container("web") }, options);
  };
  await assert.rejects(stop(["/bin/sh", "-c", "exec sleep 600"], { timeoutMs: 50 }), /no answer within 50 ms/);
  await assert.rejects(stop(["/bin/false"]), /Command failed: \/bin\/false web sample/);
});

test("without a command the stop waits for the requests under way", async () => {
  const plugin = await loadPlugin(directory, { configuration: { seconds: 0 } });
  await plugin.call("container.preStop", { container: container("web") });
  assert.deepEqual([plugin.log, plugin.manifest.points["container.preStop"]?.timeoutMs], [[], 60_000]);
});
