import assert from "node:assert/strict";
import { test } from "node:test";
import { SampleDaemon } from "../../sample-daemon.ts";

const event =
  '{"status":"start","id":"c1","from":"busybox","Type":"container","Action":"start","Actor":{"ID":"c1","Attributes":' +
  '{"name":"\\"timeNano\\":1"}},"scope":"local","time":1769860800,"timeNano":1769860800123456789}';

for (const [format, line] of [
  ["", '2026-01-31T12:00:00.123456789Z container start c1 (name="timeNano":1)'],
  ["json", event],
  ["{{json .}}", event],
  ["{{.Time}} {{.TimeNano}} {{.timeNano}} {{json .TimeNano}}", `1769860800${" 1769860800123456789".repeat(3)}`],
  ['{{printf "%d" .TimeNano}} {{gt .TimeNano 5}} {{eq .TimeNano 5}}', "1769860800123456789 true false"],
  ["{{.Status}} {{.ID}} {{.From}} {{.Scope}} {{.Actor.ID}}", "start c1 busybox local c1"],
] as const)
  test(`an event has all digits of its time, and Go's names: ${format || "plain"}`, async (t) => {
    const daemon = await SampleDaemon.start(t, (_, response) => response.end(`${event}\n`));
    assert.deepEqual(await daemon.run(["events", "--format", format]), { status: 0, out: `${line}\n`, err: "" });
  });
