import type { RequestListener, ServerResponse } from "node:http";
import assert from "node:assert/strict";
import { test } from "node:test";
import { SampleDaemon } from "./sample-daemon.ts";

const until = "2026-01-31T12:01:00.000Z";

/** Answers a change when `waits` are told; each inspect has the next number of calls. */
function changing(waits: number[], told: (response: ServerResponse) => void): RequestListener {
  let change: ServerResponse | undefined;
  const answer = { Name: "tool", Enabled: false, Pouch: { Mode: "shadow", Canary: null } };
  return (request, response) => {
    if (request.method === "POST") {
      change = response;
      return;
    }
    const Calls = waits.shift() ?? 0;
    const Leaving = Calls === 0 ? [] : [{ Version: "1.0.0", Calls, Until: until }];
    response.end(JSON.stringify({ ...answer, Pouch: { ...answer.Pouch, Leaving } }));
    if (waits.length === 0 && change !== undefined) told(change);
  };
}

for (const [args, request] of [
  [["disable", "tool"], "POST /plugins/tool/disable"],
  [["set-mode", "tool", "shadow"], "POST /plugins/tool/mode"],
  [["canary", "tool", "--abort"], "POST /plugins/tool/canary/abort"],
] as const) {
  test(`plugin ${args[0]} says for which calls it waits, each number once`, async (t) => {
    const daemon = await SampleDaemon.start(
      t,
      changing([2, 2, 1], (change) => void change.end()),
    );
    const { status, out, err } = await daemon.run(["plugin", ...args]);
    assert.deepEqual([status, out], [0, "tool\n"]);
    assert.equal(
      err,
      `tool: waiting for 2 calls in version 1.0.0 until ${until} at the latest
tool: waiting for 1 call in version 1.0.0 until ${until} at the latest
`,
    );
    assert.equal(daemon.requests[0], request);
  });
}

test("Ctrl-C ends the wait, and says that the daemon goes on and how the plugin is", async (t) => {
  const daemon: SampleDaemon = await SampleDaemon.start(
    t,
    changing([2, 2], () => daemon.interrupt()),
  );
  const { status, out, err } = await daemon.run(["plugin", "disable", "tool"]);
  assert.deepEqual([status, out], [130, ""]);
  assert.equal(
    err.split("\n").at(-2),
    "interrupted; if the change has begun, the daemon goes on with it: plugin tool is disabled now, mode shadow",
  );
});

test("Ctrl-C before the change is in force says what is", async (t) => {
  const daemon: SampleDaemon = await SampleDaemon.start(t, (request, response) => {
    if (request.method === "POST") return daemon.interrupt();
    const Leaving = [{ Version: "1.0.0", Calls: 3, Until: until }];
    response.end(JSON.stringify({ Enabled: true, Pouch: { Mode: "active", Canary: { Share: "5%" }, Leaving } }));
  });
  const { status, err } = await daemon.run(["plugin", "set-mode", "tool", "shadow"]);
  assert.equal(status, 130);
  assert.equal(
    err,
    `interrupted; if the change has begun, the daemon goes on with it: plugin tool is enabled now, mode active, canary 5%; the daemon waits for 3 calls in version 1.0.0 until ${until} at the latest
`,
  );
});
