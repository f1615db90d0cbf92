import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { contextTar } from "./harness/built.ts";
import { Daemon, eventually } from "./harness/daemon.ts";
import { writePlugin } from "./harness/write-plugin.ts";

/** A canary goes every way a secret can go; nothing that shows or remembers what passed has it. */

const canary = "canary-9f86d081884c7d65";
let daemon: Daemon;

before(async () => {
  daemon = await Daemon.start();
});

after(() => daemon[Symbol.asyncDispose]());

/** A plugin that puts secrets wherever a plugin can put them. */
function leakyPlugin(): string {
  return writePlugin(join(daemon.directory, "leaky"), {
    name: "leaky",
    pouch: { api: "1", points: ["container.preCreate", "container.preStart"] },
    language: "ts",
    code: `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";
registerContainerPlugin({
  preCreate(config) {
    if (config.Labels?.fail) throw new Error("cannot use " + [...config.Env, ...(config.Cmd ?? [])].join(" and "), { cause: new Error(config.Env[0]) });
    if (config.Labels?.break) config.Env = "ADDED=" + config.Env[0];
    else config.Env = [...config.Env, "ADDED=" + config.Env[0].split("=")[1]];
  },
  preStart(container) {
    return [{ priority: -1, args: ["/bin/true"], env: container.Config.Env }];
  },
});
`,
  });
}

test("no value of an environment, header of authorization or build argument is in a log, trace, event, metric, error or plugin's description", async () => {
  const installed = await daemon.api("POST", "/plugins/install", { source: leakyPlugin() });
  assert.equal(installed.status, 200, installed.text);
  const answers: string[] = [];
  const told = async (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<void> => {
    answers.push(`${method} ${path.split("?")[0]}: ${(await daemon.api(method, path, body, headers)).text}`);
  };

  const ran = await daemon.docker("run", "-d", "--name", "web", "-e", `SECRET=${canary}`, "busybox", "sleep", "1000");
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal((await daemon.docker("exec", "-e", `MORE=${canary}`, "web", "true")).code, 0);
  await daemon.api("POST", "/containers/web/update", { Env: [`SECRET=${canary}2`] });
  const body = { Image: "busybox", Env: [`SECRET=${canary}`] };
  await told("POST", "/containers/create", { ...body, Labels: { fail: "1" } });
  const line = {
    Cmd: ["app", `--password=${canary}`, "--token", canary, `https://me:${canary}@host`],
    Labels: { "db-password": canary },
  };
  await told("POST", "/containers/create", { ...body, ...line, Labels: { ...line.Labels, fail: "1" } });
  await told("POST", "/plugins/dry-run", { point: "container.preCreate", body: { ...body, ...line } });
  await told("POST", "/containers/create", { ...body, Labels: { break: "1" } });
  await told("POST", "/containers/create", { ...body, Env: { SECRET: canary } });
  await told("POST", "/containers/create", { ...body, env: [[canary]] });
  await told("POST", "/plugins/dry-run", { point: "container.preCreate", body });
  await told("POST", "/plugins/dry-run", { point: "container.preCreate", body: { ...body, Labels: { fail: "1" } } });
  await told("POST", "/plugins/dry-run", { point: "container.preStart", body: { Config: body } });
  const auth = { username: "me", password: canary, identitytoken: canary, serveraddress: "127.0.0.1:9" };
  const header = Buffer.from(JSON.stringify(auth)).toString("base64url");
  await told("POST", "/images/create?fromImage=127.0.0.1:9/a&tag=1", undefined, { "X-Registry-Auth": header });
  await told("POST", "/auth", auth);
  const dockerfile = "FROM busybox\nARG TOKEN\nRUN test -n $TOKEN\nRUN false\n";
  const context = contextTar(join(daemon.directory, "context"), dockerfile);
  for (const buildargs of [{ TOKEN: canary }, { TOKEN: [canary] }]) {
    const path = `/build?buildargs=${encodeURIComponent(JSON.stringify(buildargs))}`;
    await told("POST", path, context, { "X-Registry-Config": header });
  }
  assert.match(answers.at(-2) ?? "", /returned a non-zero code: 1/);
  await eventually("the trace has the start", async () =>
    (await daemon.api("GET", "/plugins/trace?plugin=leaky")).text.includes("container.preStart"),
  );
  for (const path of [
    "/plugins",
    "/plugins/leaky/json",
    "/plugins/leaky/logs",
    "/plugins/trace",
    "/plugins/trace?container=web",
    "/metrics",
    "/info",
  ])
    await told("GET", path);
  await told("GET", `/events?since=0&until=${Math.ceil(Date.now() / 1000)}`);
  await told("POST", "/plugins/leaky/replay");
  const journal = join(daemon.homeDirectory, "plugins/journal");
  for (const name of readdirSync(journal)) answers.push(`the journal: ${readFileSync(join(journal, name), "utf8")}`);
  answers.push(`the log: ${daemon.log}`);

  const leaks = answers.filter((text) => text.includes(canary) || text.includes(header));
  assert.deepEqual(
    leaks.map(
      (text) => `${text.slice(0, 60)}… ${text.slice(Math.max(0, text.indexOf(canary) - 120), text.indexOf(canary) + 20)}`,
    ),
    [],
  );
  // What was asked for is there: nothing above is clean because it is empty.
  assert.match(answers.join("\n"), /SECRET=\*\*\*/);
  const written = answers.find((text) => text.startsWith("the journal:")) ?? "";
  assert.match(written, /cannot use SECRET=\*\*\*/);
  assert.match(answers.join("\n"), /plugin \\?"leaky\\?" at container.preCreate: cannot use SECRET=\*\*\*/);
  const revealed = await daemon.api("GET", "/plugins/trace?plugin=leaky&showEnv=1");
  assert.ok(revealed.text.includes(canary), "with showEnv an operator sees them");
});
