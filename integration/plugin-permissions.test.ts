/** What plugins may do in a real daemon: what is granted takes effect, what is not is refused, and a grant outlives the daemon. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { eventually, projectRoot, run, type CommandResult } from "./harness/daemon.ts";
import { sharedDaemon } from "./harness/shared-daemon.ts";
import { writePlugin } from "./harness/write-plugin.ts";

const { daemon, scratch } = await sharedDaemon("permissions");

/** A plugin that limits processes, and sets the user of a container that says so. */
function plugin(name: string, version: string, fields?: string[]): string {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  const permissions = fields === undefined ? {} : { permissions: { fields: { "container.preCreate": fields } } };
  const pouch = { api: "^1.2.0", points: ["container.preCreate"], filters: { labels: [`of=${name}`] }, ...permissions };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, version, type: "module", exports: "./index.js", pouch }));
  writeFileSync(
    join(folder, "index.js"),
    `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";
registerContainerPlugin({
  preCreate(config) {
    config.HostConfig.PidsLimit = 77;
    config.Labels["made-by"] = "${version}";
    if (config.Labels.user !== undefined) config.User = config.Labels.user;
  },
});
`,
  );
  return folder;
}

const limits = ["HostConfig.PidsLimit", "Labels.made-by"];

function create(name: string, ...more: string[]): Promise<CommandResult> {
  return daemon.docker("create", "--label", `of=${name}`, ...more, "busybox", "true");
}

async function madeBy(name: string): Promise<string> {
  const { code, stdout, stderr } = await create(name);
  assert.equal(code, 0, stderr);
  const shown = ["inspect", "-f", '{{index .Config.Labels "made-by"}} {{.HostConfig.PidsLimit}}', stdout.trim()];
  return (await daemon.docker(...shown)).stdout.trim();
}

test("without a terminal and without the flag nothing is installed, and the message says what to do", async () => {
  const folder = plugin("unasked", "1.0.0", limits);
  const { code, stderr } = await daemon.pouch("plugin", "install", folder);
  assert.equal(code, 1);
  assert.match(stderr, /plugin "unasked" is requesting privileges, and standard input is no terminal/);
  assert.match(
    stderr,
    / - fields at container.preCreate: \[HostConfig.PidsLimit, Labels.made-by\]\n - user: \[root\]\n.*--grant-all-permissions/,
  );
  const answer = await daemon.api("POST", "/plugins/install", { source: folder });
  assert.deepEqual([answer.status, /not granted: fields at container.preCreate/.test(answer.text)], [403, true], answer.text);
  assert.doesNotMatch((await daemon.docker("plugin", "ls")).stdout, /unasked/);
});

test("on a terminal the answer decides", async () => {
  const folder = plugin("asked", "1.0.0", limits);
  const install = `${projectRoot}/bin/pouch -H unix://${daemon.socket} plugin install ${folder}`;
  const typed = (answer: string): Promise<CommandResult> =>
    run("sh", ["-c", `(sleep 1; echo ${answer}) | script -qec "${install}" /dev/null`], {});
  const refused = await typed("n");
  assert.match(refused.stdout, /Plugin "asked" is requesting the following privileges:\r?\n - fields at container.preCreate: \[/);
  assert.match(refused.stdout, /Do you grant the above permissions\? \[y\/N\]/);
  assert.match(refused.stdout, /permission denied while installing plugin asked/);
  assert.doesNotMatch((await daemon.docker("plugin", "ls")).stdout, /asked/);
  const granted = await typed("y");
  assert.equal(granted.code, 0, granted.stdout + granted.stderr);
  assert.equal(await madeBy("asked"), "1.0.0 77");
});

test("what was granted takes effect, another field is refused with its name, and a later version waits for a grant", async () => {
  const folder = plugin("limits", "1.0.0", limits);
  const installed = await daemon.pouch("plugin", "install", "--grant-all-permissions", folder);
  assert.equal(installed.code, 0, installed.stderr);
  assert.equal(await madeBy("limits"), "1.0.0 77");

  daemon.expectsErrors(/it changed User without a grant/);
  const refused = await create("limits", "--label", "user=nobody", "--name", "refused");
  assert.match(
    refused.stderr,
    /plugin "limits" at container.preCreate: it changed User without a grant: .* would need "User" in fields at container.preCreate/,
  );
  assert.notEqual((await daemon.docker("inspect", "refused")).code, 0);

  plugin("limits", "2.0.0", [...limits, "User"]);
  const waiting = await daemon.pouch("plugin", "reload", "limits");
  assert.equal(waiting.code, 1);
  assert.match(waiting.stderr, /plugin "limits" is requesting privileges.*\n - fields at container.preCreate: \[User\]\n/);
  assert.equal(await madeBy("limits"), "1.0.0 77");

  const reloaded = await daemon.pouch("plugin", "reload", "--grant-all-permissions", "limits");
  assert.equal(reloaded.code, 0, reloaded.stderr);
  assert.equal(await madeBy("limits"), "2.0.0 77");
  assert.equal((await create("limits", "--label", "user=nobody")).code, 0);

  await daemon.kill9();
  await daemon.launch();
  assert.equal(await madeBy("limits"), "2.0.0 77");
  const again = await daemon.pouch("plugin", "install", folder);
  assert.equal(again.code, 0, `what was granted outlives the daemon: ${again.stderr}`);
  const { stdout } = await daemon.pouch("plugin", "permissions", "limits");
  const fields = " - fields at container.preCreate: [HostConfig.PidsLimit, Labels.made-by, User]\n - user: [root]\n";
  assert.equal(stdout, `Asked:\n${fields}Granted:\n${fields}`);
});

test("an old plugin works with a warning, and what it would have to ask for is told", async () => {
  const installed = await daemon.pouch("plugin", "install", plugin("old", "1.0.0"));
  assert.deepEqual([installed.code, installed.stdout], [0, "old\n"]);
  assert.match(installed.stderr, /WARNING: plugin "old" has no permissions in its manifest/);
  assert.equal(await madeBy("old"), "1.0.0 77");
  const { stdout } = await daemon.pouch("plugin", "permissions", "--observed", "old");
  assert.deepEqual(JSON.parse(stdout), { permissions: { fields: { "container.preCreate": limits } } });
  const warning = await daemon.pouch("plugin", "inspect", "-f", "{{.Pouch.Permissions.Warning}}", "old");
  assert.match(warning.stdout, /would need fields at container.preCreate: \[HostConfig.PidsLimit, Labels.made-by\]/);
});

test("the operator's own file narrows what was granted", async () => {
  const folder = join(daemon.directory, "plugins.d/permissions");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "narrowed.json"), JSON.stringify({ fields: { "container.preCreate": ["User"] } }));
  const installed = await daemon.pouch("plugin", "install", "--grant-all-permissions", plugin("narrowed", "1.0.0", ["*"]));
  assert.equal(installed.code, 0, installed.stderr);
  daemon.expectsErrors(/without a grant/);
  const { stderr } = await create("narrowed");
  assert.match(stderr, /without a grant: the operator's permissions for it would need "(Labels.made-by|HostConfig.PidsLimit)"/);
});

test("what is no file of permissions, or leads nowhere, refuses its plugin, and holds up nobody", async () => {
  const folder = join(daemon.directory, "plugins.d/permissions");
  mkdirSync(folder, { recursive: true });
  execFileSync("mkfifo", [join(folder, "piped.json")]);
  symlinkSync("/nowhere", join(folder, "astray.json"));
  daemon.expectsErrors(/piped|astray/);
  for (const [name, words] of [
    ["piped", /permissions of plugin "piped": .*is no regular file/],
    ["astray", /permissions of plugin "astray": ENOENT/],
  ] as const) {
    const refused = await daemon.pouch("plugin", "install", "--grant-all-permissions", plugin(name, "1.0.0", ["*"]));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, words);
    rmSync(join(folder, `${name}.json`));
  }
  assert.equal((await daemon.api("GET", "/_ping")).status, 200);
});

test("a process that was shown the daemon's routes cannot call them past what it was granted", async (t) => {
  const said = join(scratch, "said.json");
  const asks = `async (handlers) => {
  const { request } = process.getBuiltinModule("node:http");
  const index = handlers.findIndex(({ method, path }) => method === "POST" && path === "/containers/create");
  const ask = (call) => new Promise((resolve, reject) => {
    const path = "/Pouch.Original/" + call + "/" + index + "/v1.43/containers/create";
    const headers = { "Content-Type": "application/json" };
    const asked = request({ socketPath: process.env.POUCH_HOST_SOCKET, method: "POST", path, headers }, async (answer) => {
      let text = "";
      for await (const chunk of answer) text += chunk;
      resolve([answer.statusCode, text]);
    });
    asked.on("error", reject).end(JSON.stringify({ Image: "busybox", HostConfig: { Privileged: true } }));
  });
  const later = async () => {
    const answers = await Promise.all(["c1", "c2", "c3"].map(ask));
    process.getBuiltinModule("node:fs").writeFileSync(${JSON.stringify(said)}, JSON.stringify(answers));
  };
  setTimeout(later, 1000);
  return handlers;
}`;
  const source = writePlugin(join(scratch, "caller"), {
    name: "caller",
    pouch: { api: "^1.2.0", points: ["api.updateHandler"], permissions: {} },
    code: `import { registerApiPlugin } from "@pouchcontainer/plugin-sdk";\nregisterApiPlugin({ updateHandler: ${asks} });\n`,
  });
  const { status, text } = await daemon.api("POST", "/plugins/install", { source, privileges: "all" });
  assert.equal(status, 200, text);
  t.after(async () => {
    await daemon.docker("plugin", "disable", "-f", "caller");
    await daemon.docker("plugin", "rm", "caller");
  });
  await eventually("it has asked", () => existsSync(said));
  // Any list of answers.
  const answers = JSON.parse(readFileSync(said, "utf8")) as [number, string][];
  assert.ok(answers.some(([code, words]) => code === 403 && /has not replaced, wrapped or removed that route/.test(words)));
  assert.deepEqual(
    answers.filter(([code]) => code < 400),
    [],
  );
});

test("a set whose entry grants all lists what that is, before it does and after, and of a later version what is new", async () => {
  const file = join(scratch, "set.json");
  const source = plugin("of-a-set", "1.0.0", limits);
  writeFileSync(file, JSON.stringify({ plugins: [{ name: "of-a-set", source, grantAllPermissions: true }] }));
  const applied = async (...flags: string[]): Promise<string> => {
    const { code, stdout, stderr } = await daemon.pouch("plugin", "apply", "-f", file, ...flags);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const fields = "granted: fields at container.preCreate:";
  for (const flags of [["--dry-run"], []])
    assert.match(await applied(...flags), new RegExp(`  \\+ ${fields} \\[HostConfig.PidsLimit, Labels.made-by\\]\n`));
  assert.equal(await madeBy("of-a-set"), "1.0.0 77");
  plugin("of-a-set", "2.0.0", [...limits, "User"]);
  assert.match(await applied("--dry-run"), new RegExp(`  \\+ ${fields} \\[User\\]\n`));
  assert.equal(await madeBy("of-a-set"), "1.0.0 77");
});

/** A plugin that notes whether it reaches a port of the host. */
function caller(name: string, port: number, permissions: object): string {
  return writePlugin(join(scratch, name), {
    name,
    pouch: {
      api: "^1.2.0",
      points: ["container.preCreate"],
      filters: { labels: [`of=${name}`] },
      permissions: { fields: { "container.preCreate": ["Hostname"] }, ...permissions },
    },
    code: `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";
import { connect } from "node:net";
import { once } from "node:events";
registerContainerPlugin({
  async preCreate(config) {
    const socket = connect(${port}, "127.0.0.1");
    config.Hostname = await once(socket, "connect").then(() => "reached", ({ code }) => code);
    socket.destroy();
  },
});
`,
  });
}

test("the network is asked for at the install; who was not granted it, or had it taken away, works without", async (t) => {
  const server = createServer((socket) => socket.on("error", () => undefined).resume()).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  // It listens on a port.
  const { port } = server.address() as AddressInfo;
  const folder = join(daemon.directory, "plugins.d/permissions");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "cut-off.json"), JSON.stringify({ fields: { "container.preCreate": ["*"] } }));
  const unasked = await daemon.pouch("plugin", "install", caller("networker", port, { network: true }));
  assert.match(unasked.stderr, /is requesting privileges.*\n - fields at .*\n - network: \[true\]\n/);
  for (const [name, permissions, hostname, network] of [
    ["networker", { network: true }, "reached", "host"],
    ["hermit", {}, "ECONNREFUSED", "none"],
    ["cut-off", { network: true }, "ECONNREFUSED", "none"],
  ] as const) {
    const installed = await daemon.pouch("plugin", "install", "--grant-all-permissions", caller(name, port, permissions));
    assert.equal(installed.code, 0, installed.stderr);
    const { code, stdout, stderr } = await create(name);
    assert.equal(code, 0, stderr);
    assert.equal((await daemon.docker("inspect", "-f", "{{.Config.Hostname}}", stdout.trim())).stdout.trim(), hostname, name);
    const shown = await daemon.docker("plugin", "inspect", "-f", "{{.Config.Network.Type}}", name);
    assert.equal(shown.stdout.trim(), network, name);
  }
});
