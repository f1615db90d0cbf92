import { loadPlugin, sampleContainer } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

test("a container's life is three lines, with whose it is and how it ended", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "audit-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "audit.jsonl");
  const plugin = await loadPlugin(new URL("..", import.meta.url), { configuration: { file, labels: ["team", "ticket"] } });
  const { State, ...sample } = sampleContainer({
    Created: "2026-01-02T10:00:00Z",
    Config: { Image: "busybox", Labels: { team: "a", other: "b" } },
  });
  const container = { ...sample, State: { ...State, StartedAt: "2026-01-02T10:00:01Z", FinishedAt: "2026-01-02T10:00:02Z" } };
  await plugin.call("container.postCreate", { container });
  await plugin.call("container.postStart", { container });
  await plugin.call("container.postStop", { container, exit: { exitCode: 137, oomKilled: true } });

  const whose = { id: container.Id, name: "sample", image: "busybox", team: "a" };
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    [
      { at: "2026-01-02T10:00:00Z", what: "created", ...whose },
      { at: "2026-01-02T10:00:01Z", what: "started", ...whose },
      { at: "2026-01-02T10:00:02Z", what: "ended", exitCode: 137, oomKilled: true, ...whose },
    ],
  );
  assert.equal(statSync(file).mode & 0o777, 0o600);
});
