import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { isRegistryReference } from "./plugin-source.ts";
import { SampleDaemon } from "./sample-daemon.ts";

test("what names a plugin of a registry is no path, no npm package and no place of another host", () => {
  for (const reference of ["registry.example.com/net-qos:1", "127.0.0.1:5000/a/b@sha256:00", "team/tool", "a/b"])
    assert.ok(isRegistryReference(reference), reference);
  for (const other of ["net-qos", "net-qos@1.0.0", "@team/net-qos", "./net-qos", "/srv/net-qos", "../x", "host:/srv/net-qos"])
    assert.ok(!isRegistryReference(other), other);
});

test("install, push and reload of a registry's plugin carry its login, and tell how far they are", async (t) => {
  const seen: IncomingMessage[] = [];
  const pulls: string[] = [];
  let missing: object[] = [];
  const reference = "registry.example.com/net-qos:1";
  const daemon = await SampleDaemon.start(t, (request, response) => {
    seen.push(request);
    if (request.url?.includes("/plugins/pull") === true) {
      request.setEncoding("utf8");
      request.on("data", (text: string) => void pulls.push(text));
    }
    if (request.url?.endsWith("/plugins/privileges") === true)
      response.end(JSON.stringify({ Name: "net-qos", Version: "1.0.0", Privileges: missing, Missing: missing }));
    else if (request.method === "GET") response.end(JSON.stringify({ PluginReference: reference }));
    else if (request.url?.endsWith("/reload")) response.end("{}");
    else {
      response.setHeader("Docker-Plugin-Name", "net-qos");
      response.end('{"status":"Pulling from net-qos"}\r\n{"status":"done"}\r\n');
    }
  });
  const login = { username: "me", password: "secret", serveraddress: "registry.example.com" };
  const auths = { "registry.example.com": { auth: Buffer.from("me:secret").toString("base64") } };
  mkdirSync(`${daemon.folder}/config`);
  writeFileSync(`${daemon.folder}/config/config.json`, JSON.stringify({ auths }));
  const shown = await daemon.run(["plugin", "install", reference]);
  assert.deepEqual(shown, { status: 0, out: "Pulling from net-qos\ndone\nnet-qos\n", err: "" });
  assert.equal((await daemon.run(["plugin", "install", "-q", "--disable", "--alias", "net-qos", reference])).out, "net-qos\n");
  assert.equal((await daemon.run(["plugin", "push", "-q", "net-qos", reference])).out, "");
  assert.equal((await daemon.run(["plugin", "reload", "net-qos"])).out, "net-qos\n");
  missing = [{ Name: "hooks", Description: "", Value: ["true"] }];
  const asked = await daemon.run(["plugin", "install", "-q", reference], { stdin: "y\n", isTerminal: true });
  assert.match(asked.out, / - hooks: \[true\]\nDo you grant the above permissions\? \[y\/N\] net-qos\n$/);
  assert.deepEqual(JSON.parse(pulls.at(-1) ?? ""), missing);
  assert.equal((await daemon.run(["plugin", "install", "-q", "--grant-all-permissions", reference])).status, 0);
  const remote = "remote=registry.example.com%2Fnet-qos%3A1";
  assert.deepEqual(daemon.requests, [
    "POST /plugins/privileges",
    `POST /plugins/pull?${remote}&enable=1`,
    "POST /plugins/privileges",
    `POST /plugins/pull?${remote}&name=net-qos&enable=0`,
    `POST /plugins/net-qos/push?${remote}`,
    "GET /plugins/net-qos/json",
    "POST /plugins/privileges",
    "POST /plugins/net-qos/reload",
    "POST /plugins/privileges",
    `POST /plugins/pull?${remote}&enable=1`,
    `POST /plugins/pull?${remote}&enable=1&privileges=all`,
  ]);
  for (const { method, headers } of seen)
    if (method === "POST")
      assert.deepEqual(JSON.parse(Buffer.from(String(headers["x-registry-auth"]), "base64url").toString()), login);
});
