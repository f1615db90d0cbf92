import assert from "node:assert/strict";
import { test } from "node:test";
import { PluginLogs } from "./plugin-logs.ts";

test("a long line of a plugin is cut wherever it goes, and says so", () => {
  const daemon: string[] = [];
  const write = (message: string): void => void daemon.push(message);
  const logs = new PluginLogs({ logOf: () => ({ debug: write, info: write, warn: write, error: write }), now: () => 0 });
  const followed: string[] = [];
  logs.follow("p", (line) => followed.push(line));
  logs.logOf("p").info("€".repeat(1 << 20));
  const cut = `${"€".repeat(2730)}… (${3 * ((1 << 20) - 2730)} more bytes)`;
  assert.deepEqual(daemon, [cut]);
  assert.deepEqual(
    [logs.lines("p"), followed],
    [[`1970-01-01T00:00:00.000Z info ${cut}`], [`1970-01-01T00:00:00.000Z info ${cut}`]],
  );
});
