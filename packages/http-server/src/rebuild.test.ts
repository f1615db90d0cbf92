import type { HandlerSpec } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildRouter, type UpdateHandlers } from "./build-router.ts";
import { TestServer } from "./testing/test-server.ts";

const hello: HandlerSpec = {
  method: "GET",
  path: "/hello/{name}",
  handler: (_request, response, { name }) => {
    response.end(`hello ${name}`);
  },
};

/** A server whose plugins can be changed while it runs. */
async function serverWith(first: UpdateHandlers) {
  const plugins = { update: first };
  const methods = { networks: { list: async () => [] } };
  const server = await TestServer.start(methods, { updateHandlers: (table) => plugins.update(table) });
  return { server, plugins };
}

test("a plugin adds, wraps and removes routes", async () => {
  const { server: started } = await serverWith((table) => [
    hello,
    ...table
      .filter(({ path }) => path !== "/info")
      .map((spec): HandlerSpec => {
        if (spec.path !== "/networks") return spec;
        return {
          ...spec,
          handler: async (request, response, params) => {
            response.setHeader("X-Seen", "yes");
            await spec.handler(request, response, params);
          },
        };
      }),
  ]);
  await using server = started;
  assert.equal((await server.get("/v1.41/hello/you")).text, "hello you");
  const wrapped = await server.get("/networks");
  assert.equal(wrapped.headers["x-seen"], "yes");
  assert.equal(wrapped.text, "[]\n");
  assert.equal((await server.get("/info")).status, 404);
  const document = (await server.get("/openapi.json")).text;
  assert.match(document, /"\/hello\/\{name\}":\{"get":\{"operationId":"getHelloName"/);
  assert.doesNotMatch(document, /"\/info"/);
});

test("what a plugin's handler throws is an error answer", async () => {
  const bad: HandlerSpec = {
    method: "GET",
    path: "/bad",
    handler: () => {
      throw new Error("plugin bug");
    },
  };
  const { server: started } = await serverWith((table) => [...table, bad]);
  await using server = started;
  const answer = await server.get("/bad");
  assert.equal(answer.status, 500);
  assert.deepEqual(answer.json(), { message: "plugin bug" });
});

test("a rebuild swaps the table while the server runs", async () => {
  const { server: started, plugins } = await serverWith((table) => table);
  await using server = started;
  assert.equal((await server.get("/hello/you")).status, 404);
  plugins.update = (table) => [...table, hello];
  await server.server.rebuild();
  assert.equal((await server.get("/hello/you")).status, 200);
});

test("a table that cannot be served is refused and the old one stays", async () => {
  const { server: started, plugins } = await serverWith((table) => [...table, hello]);
  await using server = started;
  const refusals: [UpdateHandlers, RegExp][] = [
    [(table) => table.filter(({ path }) => path !== "/_ping"), /^route GET \/_ping must stay as it is/],
    [
      (table) => table.filter(({ path }) => !path.startsWith("/plugins/")),
      /^route GET \/plugins\/\{name\.\.\.\}\/json must stay/,
    ],
    [
      (table) => table.map((spec) => (spec.path === "/plugins" ? { ...spec, handler: hello.handler } : spec)),
      /^route GET \/plugins must stay/,
    ],
    [(table) => [...table, hello, hello], /^route GET \/hello\/\{name\}: two handlers claim it/],
    [
      () => {
        throw new Error("the plugin failed");
      },
      /^the plugin failed/,
    ],
  ];
  for (const [update, message] of refusals) {
    plugins.update = update;
    await assert.rejects(server.server.rebuild(), { message });
    assert.equal((await server.get("/hello/you")).text, "hello you");
  }
});

test("no route of a plugin answers for those that switch plugins off, however it and the request are spelled", async () => {
  const taken: string[] = [];
  const methods = {
    networks: { list: async () => [] },
    plugins: { disable: async (name: string) => void taken.push(`disabled ${name}`) },
  };
  const paths = ["/{first}/bad/disable", "/{first}/{name}/{verb}", "/{all...}", "/{all...}/disable", "/%70lugins/{name}/disable"];
  await using server = await TestServer.start(methods, {
    updateHandlers: (table) => [
      ...table,
      ...paths.map((path): HandlerSpec => ({ method: "POST", path, handler: (_, response) => void response.end(path) })),
    ],
  });
  for (const path of [
    "/plugins/bad/disable",
    "//plugins/bad/disable",
    "/plugins//bad/disable",
    "/v1.41//plugins/bad//disable",
    "/%70lugins/bad/disable",
  ]) {
    const answer = await server.request("POST", path);
    assert.deepEqual([path, answer.status, taken.pop()], [path, 200, "disabled bad"]);
  }
  await assert.rejects(
    buildRouter([], () => [{ ...hello, path: "//plugins/{name}/disable" }]),
    { message: /^route GET \/\/plugins\/\{name\}\/disable: the path must not contain \/\// },
  );
});

test("a plugin that changes its copies does not change the server's table", async () => {
  const { server: started, plugins } = await serverWith((table) => {
    for (const spec of table) if (spec.path === "/info") spec.path = "/elsewhere";
    return table;
  });
  await using server = started;
  plugins.update = (table) => table.filter(({ path }) => path !== "/networks");
  await server.server.rebuild();
  assert.equal((await server.get("/elsewhere")).status, 404);
  assert.equal((await server.get("/info")).status, 500);
});

test("of a table that is served somebody is told, of one that is refused nobody", async () => {
  let served = 0;
  let more: HandlerSpec[] = [];
  await using server = await TestServer.start(
    {},
    { updateHandlers: (table) => [...table, ...more], tableServed: () => void (served += 1) },
  );
  more = [hello, hello];
  await assert.rejects(server.server.rebuild());
  assert.equal(served, 1);
  more = [hello];
  await server.server.rebuild();
  assert.equal(served, 2);
});

test("a bad table at start keeps the server from listening", async () => {
  await assert.rejects(
    serverWith((table) => [...table, hello, hello]),
    { message: /two handlers claim it/ },
  );
});

test("extra handlers are part of the table plugins see", async () => {
  const seen: string[] = [];
  const metrics: HandlerSpec = { method: "GET", path: "/metrics", handler: (_request, response) => void response.end("up 1") };
  await using server = await TestServer.start(
    {},
    {
      extraHandlers: [metrics],
      updateHandlers: (table) => {
        seen.push(...table.map(({ path }) => path));
        return table;
      },
    },
  );
  assert.ok(seen.includes("/metrics"));
  assert.equal((await server.get("/metrics")).text, "up 1");
});
