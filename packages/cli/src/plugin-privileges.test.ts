import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { SampleDaemon } from "./sample-daemon.ts";

const fields = { Name: "fields at container.preCreate", Description: "", Value: ["HostConfig.Memory", "Env.LEGACY_*"] };
const assistants = { Name: "assistants", Description: "", Value: ["true"] };

interface Setup {
  daemon: SampleDaemon;
  folder: string;
  /** `privileges` of the requests that brought something in. */
  granted: (string | null)[];
}

/** A daemon to which the folder is a plugin that asks for these. `more` of what is installed, `told` with what it asks for. */
async function setup(t: TestContext, missing: object[], more: object = {}, told: object = {}): Promise<Setup> {
  const granted: (string | null)[] = [];
  const daemon = await SampleDaemon.start(t, (request: IncomingMessage, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://daemon");
    request.resume();
    request.once("end", () => {
      const answer = pathname.endsWith("/privileges")
        ? { Name: "tool", Version: "1.0.0", Privileges: [fields], Missing: missing, ...told }
        : { Name: "tool", PluginReference: folder, ...more };
      if (/install$|reload$/.test(pathname)) granted.push(searchParams.get("privileges"));
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify(answer));
    });
  });
  const folder = join(daemon.folder, "tool");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), "{}");
  return { daemon, folder, granted };
}

test("what a plugin asks for is shown as Docker shows it, and granted when the answer is yes", async (t) => {
  const { daemon, folder, granted } = await setup(t, [fields, assistants]);
  const { status, out } = await daemon.run(["plugin", "install", folder], { stdin: "y\n", isTerminal: true });
  assert.equal(status, 0);
  assert.equal(
    out,
    [
      'Plugin "tool" is requesting the following privileges:',
      " - fields at container.preCreate: [HostConfig.Memory, Env.LEGACY_*]",
      " - assistants: [true]",
      "Do you grant the above permissions? [y/N] tool",
      "",
    ].join("\n"),
  );
  assert.deepEqual(granted, [
    JSON.stringify([
      { Name: "fields at container.preCreate", Value: ["HostConfig.Memory", "Env.LEGACY_*"] },
      { Name: "assistants", Value: ["true"] },
    ]),
  ]);
});

test("what to know of it is said before it is granted, with a terminal and without", async (t) => {
  const { daemon, folder } = await setup(t, [fields], {}, { Warning: "it may do whatever a client may" });
  const warning = "WARNING: it may do whatever a client may\n";
  assert.ok((await daemon.run(["plugin", "install", folder], { stdin: "\n", isTerminal: true })).err.startsWith(warning));
  assert.ok((await daemon.run(["plugin", "install", folder])).err.startsWith(warning));
});

test("what npm will be asked for is said before it is, by name", async (t) => {
  const { daemon, folder } = await setup(
    t,
    [fields],
    {},
    { Fetches: ["left@^1", ...Array.from({ length: 30 }, (_, at) => `d${at}@*`)] },
  );
  const asked = await daemon.run(["plugin", "install", folder], { stdin: "\n", isTerminal: true });
  assert.match(
    asked.out,
    /\nnpm will be asked for 31 packages that it depends on: left@\^1, d0@\*, .*, and 11 more\nDo you grant/,
  );
  assert.match((await daemon.run(["plugin", "install", folder])).err, /npm will be asked for 31 packages/);
});

test("any other answer installs nothing", async (t) => {
  const { daemon, folder, granted } = await setup(t, [fields]);
  const { status, err } = await daemon.run(["plugin", "install", folder], { stdin: "\n", isTerminal: true });
  assert.deepEqual([status, granted], [1, []]);
  assert.match(err, /permission denied while installing plugin tool/);
});

test("without a terminal nothing is asked or installed, and the message says what to do", async (t) => {
  const { daemon, folder, granted } = await setup(t, [fields]);
  const { status, err } = await daemon.run(["plugin", "install", folder], { stdin: "y\n" });
  assert.deepEqual([status, granted], [1, []]);
  assert.match(err, /plugin "tool" is requesting privileges, and standard input is no terminal/);
  assert.match(
    err,
    / - fields at container.preCreate: \[HostConfig.Memory, Env.LEGACY_\*\]\nRun the command with --grant-all-permissions/,
  );
});

test("a script grants all with a flag, at an install and at a reload", async (t) => {
  const { daemon, folder, granted } = await setup(t, [fields]);
  for (const argv of [
    ["install", "--grant-all-permissions", folder],
    ["reload", "--grant-all-permissions", "tool"],
  ])
    assert.equal((await daemon.run(["plugin", ...argv])).status, 0);
  assert.deepEqual(granted, ["all", "all"]);
});

test("where all was granted before nothing is asked", async (t) => {
  const { daemon, folder, granted } = await setup(t, []);
  assert.equal((await daemon.run(["plugin", "install", folder])).status, 0);
  assert.equal((await daemon.run(["plugin", "reload", "tool"])).status, 0);
  assert.deepEqual(granted, [null, null]);
});

test("a reload asks for what the new version asks for", async (t) => {
  const { daemon, granted } = await setup(t, [assistants]);
  const { out } = await daemon.run(["plugin", "reload", "tool"], { stdin: "y\n", isTerminal: true });
  assert.match(out, / - assistants: \[true\]\n/);
  assert.deepEqual(granted, ['[{"Name":"assistants","Value":["true"]}]']);
});

test("of a plugin that asks for nothing by name the install warns", async (t) => {
  const { daemon, folder } = await setup(t, [], { Pouch: { Permissions: { Asked: [], Granted: [], Warning: "it may do all" } } });
  assert.equal((await daemon.run(["plugin", "install", folder])).err, "WARNING: it may do all\n");
});
