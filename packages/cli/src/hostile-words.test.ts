import assert from "node:assert/strict";
import { test } from "node:test";
import { SampleDaemon } from "./sample-daemon.ts";

const erase = "\u001b[2K\u001b[1A\u009b8m\u202egood\u0007";
const acting = /(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;
const shown = String.raw`\u001b[2K\u001b[1A\u009b8m\u202egood\u0007`;

const plugin = {
  Id: "1",
  Name: "tool",
  Enabled: true,
  Config: { Description: `${erase}\nforged   row` },
  Pouch: { Version: "1\n2", Origin: "installed", OpenCircuits: [{ Point: "container.preCreate", Reason: erase }] },
};
const call = {
  plugin: "tool",
  point: "container.preCreate",
  outcome: "failed",
  error: `${erase}\nforged`,
  patch: [{ op: "add", path: `/Labels/${erase}\n`, value: erase }],
};
const report = {
  Asked: [{ Name: "fields", Value: [`${erase}\n - forged: [x]`] }],
  Granted: [],
  Warning: erase,
  Observed: { fields: [erase] },
};

const answers: Record<string, unknown> = {
  "/plugins": [plugin],
  "/plugins/tool/json": plugin,
  "/plugins/tool/permissions": report,
  "/plugins/tool/logs": `${erase}\n`,
  "/plugins/trace": [call],
  "/plugins/dry-run": { calls: [call], error: erase },
};

const daemon = (t: Parameters<typeof SampleDaemon.start>[0]): Promise<SampleDaemon> =>
  SampleDaemon.start(t, (request, response) => {
    const path = (request.url ?? "").replace(/^\/v[\d.]+|\?.*$/g, "");
    const answer = answers[path];
    response.statusCode = answer === undefined ? 500 : 200;
    if (typeof answer !== "string") response.setHeader("content-type", "application/json");
    response.end(typeof answer === "string" ? answer : JSON.stringify(answer ?? { message: erase }));
  });

test("what a plugin says reaches the terminal as text, in tables, reports, logs and failures", async (t) => {
  const one = await daemon(t);
  for (const words of [
    ["plugin", "ls", "--no-trunc"],
    ["plugin", "trace"],
    ["plugin", "logs", "tool"],
    ["plugin", "permissions", "tool"],
    ["plugin", "dry-run", "container.preCreate", "-"],
    ["plugin", "enable", "another"],
  ]) {
    const { out, err } = await one.run(words, { stdin: "{}" });
    assert.doesNotMatch(out + err, acting, words.join(" "));
    assert.ok((out + err).includes(shown), `${words.join(" ")}: ${out}${err}`);
    assert.doesNotMatch(out + err, /^(forged| - forged)/m, words.join(" "));
  }
  assert.equal((await one.run(["plugin", "ls"])).out.split("\n").length, 3, "a heading, a row and the end");
});

test("what is for programs stays what it is", async (t) => {
  const one = await daemon(t);
  assert.deepEqual(JSON.parse((await one.run(["plugin", "inspect", "tool"])).out), [plugin]);
  assert.equal(
    (await one.run(["plugin", "inspect", "-f", "{{.Config.Description}}", "tool"])).out,
    `${plugin.Config.Description}\n`,
  );
  assert.deepEqual(JSON.parse((await one.run(["plugin", "trace", "--format", "json"])).out), call);
  assert.deepEqual(JSON.parse((await one.run(["plugin", "permissions", "--observed", "tool"])).out), {
    permissions: report.Observed,
  });
});
