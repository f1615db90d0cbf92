import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SampleDaemon } from "./sample-daemon.ts";

test("a plugin is installed in shadow mode, from a folder and from a registry, and put out of it", async (t) => {
  const bodies: string[] = [];
  const daemon = await SampleDaemon.start(t, (request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.once("end", () => {
      if (request.url?.endsWith("/mode") === true) bodies.push(body);
      response.end(JSON.stringify({ Name: "tool", Missing: [] }));
    });
  });
  const folder = join(daemon.folder, "tool");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), "{}");
  const grant = "--grant-all-permissions";
  assert.equal((await daemon.run(["plugin", "install", "--shadow", grant, folder])).status, 0);
  assert.equal((await daemon.run(["plugin", "install", "--shadow", "-q", grant, "registry.example.com/tool:1"])).status, 0);
  assert.deepEqual(await daemon.run(["plugin", "set-mode", "tool", "active"]), { status: 0, out: "tool\n", err: "" });
  assert.match(daemon.requests[0] ?? "", /^POST \/plugins\/install\?mode=shadow/);
  assert.match(daemon.requests[1] ?? "", /^POST \/plugins\/pull\?.*mode=shadow/);
  assert.equal(daemon.requests[2], "POST /plugins/tool/mode");
  assert.deepEqual(bodies, ['{"mode":"active"}']);
  const { status, err } = await daemon.run(["plugin", "set-mode", "tool", "dark"]);
  assert.deepEqual([status, err.trim()], [1, 'a plugin\'s mode is active or shadow, not "dark"']);
});

test("a trace says of a call in shadow mode what it would have done", async (t) => {
  const call = { plugin: "tool", version: "1.0.0", point: "container.preCreate", durationMs: 1, shadow: true };
  const calls = [
    { ...call, outcome: "changed", patch: [{ op: "replace", path: "/Hostname", value: "x" }] },
    { ...call, outcome: "refused", error: "not here" },
    { ...call, outcome: "unchanged", withheld: ["start the assistant process helper"] },
  ];
  const daemon = await SampleDaemon.start(t, (request, response) => {
    response.end(JSON.stringify(request.url?.includes("/trace") === true ? calls : []));
  });
  const { out } = await daemon.run(["plugin", "trace"]);
  const head = "tool@1.0.0  container.preCreate  1.00ms  shadow: ";
  assert.equal(
    out,
    `${head}would change\n    replace /Hostname "x"\n${head}would refuse\n    error: not here\n${head}unchanged\n    would start the assistant process helper\n`,
  );
});
