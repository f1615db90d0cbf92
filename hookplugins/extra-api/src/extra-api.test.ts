import type { HandlerSpec } from "@pouchcontainer/plugin-sdk";
import { loadPlugin } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";

const directory = new URL("..", import.meta.url);

const table: HandlerSpec[] = [
  { method: "GET", path: "/version", handler: (_request, response) => void response.end("the daemon's own") },
  { method: "POST", path: "/containers/prune", handler: (_request, response) => void response.end() },
];

async function updated(): Promise<HandlerSpec[]> {
  const plugin = await loadPlugin(directory);
  return (await plugin.call("api.updateHandler", { handlers: [...table] })).handlers;
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  // A TCP server's address is an object.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("it adds one route, keeps the wrapped one, removes one", async () => {
  assert.deepEqual(
    (await updated()).map((spec) => `${spec.method} ${spec.path}`),
    ["GET /version", "GET /extra/hello/{name}"],
  );
});

test("the wrapped route answers as before, with a header more", async (t) => {
  const wrapped = (await updated()).find((spec) => spec.path === "/version");
  const url = await serve(t, (request, response) => void wrapped?.handler(request, response, {}));
  const response = await fetch(url);
  assert.deepEqual([await response.text(), response.headers.get("x-extra-api")], ["the daemon's own", "1.0.0"]);
});

test("the added route answers", async (t) => {
  const added = (await updated()).find((spec) => spec.path.startsWith("/extra/"));
  const url = await serve(t, (request, response) => void added?.handler(request, response, { name: "world" }));
  assert.deepEqual(await (await fetch(url)).json(), { hello: "world" });
});
