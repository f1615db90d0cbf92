import { jsonStream, readJson } from "@pouchcontainer/plugin-sdk";
import { loadPlugin } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

const directory = new URL("..", import.meta.url);

function rootfs(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "rootfs-"));
  t.after(() => rmSync(root, { recursive: true }));
  return root;
}

test("an update in the old spelling becomes limits and variables; the rest of the body stays", async () => {
  const plugin = await loadPlugin(directory);
  const request = { legacy: { mem_mb: 64, cpu_percent: 150 }, PidsLimit: 10, Env: ["A=1"] };
  const { body } = await plugin.call("container.preUpdate", { body: jsonStream(request) });
  assert.deepEqual(await readJson(body), {
    PidsLimit: 10,
    Memory: 64 * 1024 * 1024,
    MemorySwap: 128 * 1024 * 1024,
    NanoCpus: 1_500_000_000,
    Env: ["A=1", "LIMIT_MEMORY_BYTES=67108864", "LIMIT_CPU_PERCENT=150"],
  });
});

test("an update in the API's own spelling passes through", async () => {
  const plugin = await loadPlugin(directory);
  const { body } = await plugin.call("container.preUpdate", { body: jsonStream({ Memory: 1 }) });
  assert.deepEqual(await readJson(body), { Memory: 1 });
});

test("the limits are written into the container's file", async (t) => {
  const plugin = await loadPlugin(directory);
  const root = rootfs(t);
  await plugin.call("container.postUpdate", { rootfs: root, env: ["LIMIT_MEMORY_BYTES=67108864"] });
  assert.equal(readFileSync(join(root, "etc/limits.env"), "utf8"), "LIMIT_MEMORY_BYTES=67108864\n");
});

test("a link that the container made does not lead out of it", async (t) => {
  const plugin = await loadPlugin(directory);
  const root = rootfs(t);
  mkdirSync(join(root, "outside"));
  symlinkSync("/tmp", join(root, "etc"));
  await assert.rejects(
    plugin.call("container.postUpdate", { rootfs: root, env: ["LIMIT_MEMORY_BYTES=1"] }),
    /leads through a link/,
  );
});
