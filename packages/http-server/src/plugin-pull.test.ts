import { conflict, internal } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestServer } from "./testing/test-server.ts";

const login = { username: "me", password: "secret" };
const headers = { "X-Registry-Auth": Buffer.from(JSON.stringify(login)).toString("base64url") };
const lines = (text: string): unknown[] =>
  text
    .trim()
    .split("\r\n")
    .map((line) => JSON.parse(line) as unknown);

test("a pull of a plugin hands its login on, names the plugin in its head, and streams its progress", async () => {
  const asked: object[] = [];
  await using server = await TestServer.start({
    plugins: {
      pull: async ({ named, ...request }, progress) => {
        asked.push(request);
        named("tool");
        progress({ status: "Pulling" });
        if (request.enable === false) throw internal("broke off");
      },
    },
  });
  const pulled = await server.request("POST", "/v1.51/plugins/pull?remote=host/tool:1&name=tool:latest", undefined, headers);
  assert.equal(pulled.status, 200);
  assert.equal(pulled.headers["docker-plugin-name"], "tool");
  assert.deepEqual(lines(pulled.text), [{ status: "Pulling" }]);
  const broken = await server.request("POST", "/v1.51/plugins/pull?remote=host/tool:1&enable=0");
  assert.deepEqual(lines(broken.text).at(-1), { errorDetail: { message: "broke off" }, error: "broke off" });
  assert.deepEqual(asked, [
    { remote: "host/tool:1", name: "tool:latest", privileges: [], auth: login },
    { remote: "host/tool:1", enable: false, privileges: [] },
  ]);
  assert.equal((await server.request("POST", "/v1.51/plugins/pull")).status, 400, "without a reference");
});

test("what a plugin of a registry asks for is told, and a pull grants what its body lists, or all", async () => {
  const hooks = { Name: "hooks", Description: "have programs run", Value: ["true"] };
  const asked: unknown[] = [];
  await using server = await TestServer.start({
    plugins: {
      pullPrivileges: async (request) => {
        asked.push(request);
        return [hooks];
      },
      pull: async ({ privileges }) => void asked.push(privileges),
    },
  });
  const told = await server.request("GET", "/v1.51/plugins/privileges?remote=host/tool:1", undefined, headers);
  assert.deepEqual(JSON.parse(told.text), [hooks]);
  const pull = "/v1.51/plugins/pull?remote=host/tool:1";
  for (const body of [[hooks], [], null]) assert.equal((await server.request("POST", pull, body)).status, 200);
  assert.equal((await server.request("POST", `${pull}&privileges=all`)).status, 200);
  assert.deepEqual(asked, [{ remote: "host/tool:1", auth: login }, [hooks], [], [], "all"]);
  assert.equal((await server.request("POST", pull, [{ Name: "hooks", Value: true }])).status, 400);
});

test("a pull may bring a plugin in in shadow mode", async () => {
  const asked: unknown[] = [];
  await using server = await TestServer.start({ plugins: { pull: async ({ mode }) => void asked.push(mode) } });
  const pull = "/v1.51/plugins/pull?remote=host/tool:1";
  for (const mode of ["", "&mode=shadow"]) assert.equal((await server.request("POST", `${pull}${mode}`)).status, 200);
  assert.deepEqual(asked, [undefined, "shadow"]);
});

test("a push of a plugin goes where it is told, with a login, and one that fails at once has a status", async () => {
  const asked: object[] = [];
  await using server = await TestServer.start({
    plugins: {
      push: async (name, request, progress) => {
        asked.push({ name, ...request });
        if (request.remote === undefined) throw conflict("where to?");
        progress({ status: "Pushed" });
      },
    },
  });
  const pushed = await server.request("POST", "/v1.51/plugins/@team/tool/push?remote=host/tool:1", undefined, headers);
  assert.deepEqual(lines(pushed.text), [{ status: "Pushed" }]);
  assert.equal((await server.request("POST", "/v1.51/plugins/@team/tool/push")).status, 409);
  assert.deepEqual(asked, [{ name: "@team/tool", remote: "host/tool:1", auth: login }, { name: "@team/tool" }]);
});
