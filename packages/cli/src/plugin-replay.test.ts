import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SampleDaemon } from "./sample-daemon.ts";

const call = { time: "2026-11-28T05:00:00.000Z", version: "1.0.0", point: "container.preCreate", container: { name: "web" } };
const hostname = (value: string) => ({ outcome: "changed", patch: [{ op: "add", path: "/Hostname", value }] });
const difference = { ...call, recorded: hostname("a"), replayed: { outcome: "failed", error: "no" }, hidden: false };
const unsure = { ...call, recorded: hostname("a"), present: hostname("***"), replayed: hostname("***"), hidden: true };
const found = { plugin: "tool", version: "2.0.0", calls: 9, same: 5, differ: 1, failing: 1, hidden: 1 };
const summary = {
  ...found,
  leftOut: [{ reason: "its schema has changed", calls: 2 }],
  notRecorded: { large: 1, lost: 0 },
  missing: [{ Name: "fields", Description: "", Value: ["User"] }],
};

const lines = (...messages: object[]): string => messages.map((one) => `${JSON.stringify(one)}\n`).join("");

test("a replay shows each call that differs and what was found, and its exit status says whether any does", async (t) => {
  let answer = lines({ progress: { done: 0, total: 9 } }, { difference }, { difference: unsure }, { summary });
  let sent = 0;
  const daemon = await SampleDaemon.start(t, (request, response) => {
    request.on("data", (chunk: Buffer) => (sent += chunk.length));
    request.on("end", () => response.end(answer));
  });
  const folder = join(daemon.folder, "tool");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), "{}");
  const replayed = await daemon.run([
    "plugin",
    "replay",
    "tool",
    "--against",
    folder,
    "--point",
    "container.preCreate",
    "-n",
    "9",
  ]);
  assert.equal(
    replayed.out,
    `2026-11-28T05:00:00.000Z  recorded of 1.0.0  container.preCreate  web  changed
    add /Hostname "a"
replayed  container.preCreate  web  failed
    error: no
2026-11-28T05:00:00.000Z  recorded of 1.0.0  container.preCreate  web  changed
    add /Hostname "a"
the present version  container.preCreate  web  changed
    add /Hostname "***"
replayed  container.preCreate  web  changed
    add /Hostname "***"
    values of this call are not recorded: it does not count as different
9 calls of tool replayed by 2.0.0: 5 the same, 1 differ (1 fail now and did not)
1 more differ, perhaps for want of values that are masked or left out of the journal
2 left out: its schema has changed
not in the journal, of all plugins: 1 calls too large for it, 0 not written
2.0.0 asks for what nobody has granted:
 - fields: [User]
`,
  );
  assert.equal(replayed.status, 1);
  assert.ok(sent > 512, "the folder");
  assert.match(daemon.requests.at(-1) ?? "", /^POST \/plugins\/tool\/replay\?point=container\.preCreate&limit=9$/);

  const none = { ...summary, differ: 0, failing: 0, hidden: 0, leftOut: [], notRecorded: { large: 0, lost: 0 }, missing: [] };
  answer = lines({ summary: none });
  const same = await daemon.run(["plugin", "replay", "tool", "--since", "24h"]);
  assert.deepEqual([same.status, same.out], [0, "9 calls of tool replayed by 2.0.0: 5 the same, 0 differ\n"]);
  assert.match(daemon.requests.at(-1) ?? "", /\?since=\d+\.\d+$/);

  for (const [left, against, status] of [
    [{ hidden: 1 }, [], 3],
    [{ hidden: 1 }, ["--against", folder], 0],
    [{ leftOut: [{ reason: "not judged, since the 3 before had no answer", calls: 4 }] }, ["--against", folder], 3],
  ] as const) {
    answer = lines({ summary: { ...none, ...left } });
    assert.equal((await daemon.run(["plugin", "replay", "tool", ...against])).status, status, JSON.stringify(left));
  }

  answer = lines({ difference }, { summary });
  const json = await daemon.run(["plugin", "replay", "tool", "--format", "json"]);
  assert.deepEqual([json.status, JSON.parse(json.out)], [1, { differences: [difference], summary }]);
});

test("a replay that ends too early is no success", async (t) => {
  let answer = lines({ progress: { done: 1, total: 9 } });
  const daemon = await SampleDaemon.start(t, (request, response) => {
    request.resume();
    request.on("end", () => response.end(answer));
  });
  const cut = await daemon.run(["plugin", "replay", "tool"]);
  assert.deepEqual([cut.status, cut.err.includes("the daemon went away before the replay was done")], [2, true], cut.err);
  answer = lines({ errorDetail: { message: "the disk is gone" }, error: "the disk is gone" });
  const failed = await daemon.run(["plugin", "replay", "tool"]);
  assert.deepEqual([failed.status, failed.err.includes("the disk is gone")], [2, true], failed.err);
});

test("no failure has the exit status of calls that differ", async (t) => {
  const daemon = await SampleDaemon.start(t, (request, response) => {
    request.resume();
    request.on("end", () => response.writeHead(409).end(JSON.stringify({ message: "another replay is under way" })));
  });
  for (const [args, status, message] of [
    [["tool", "--against", "/nowhere/at-all"], 2, /no such folder or file: \/nowhere\/at-all/],
    [["tool"], 2, /Error response from daemon: another replay is under way/],
    [[], 2, /requires 1 argument/],
    [["tool", "--since", "yesterday"], 2, /is no time/],
    [
      ["tool", "--since", "-5m"],
      2,
      /--since: "-5m" is still to come: write a time that has passed, or how long ago, such as 24h/,
    ],
    [["tool", "--since", "2999-01-01"], 2, /"2999-01-01" is still to come/],
    [["tool", "--since", "9".repeat(400)], 2, /is still to come/],
    [["tool", "--since", "99999999999h"], 2, /longer than any duration may be/],
    [["tool", "--limit", "x"], 125, /--limit/],
  ] as const) {
    const failed = await daemon.run(["plugin", "replay", ...args]);
    assert.equal(failed.status, status, failed.err);
    assert.match(failed.err, message);
  }
});
