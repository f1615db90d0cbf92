import { sendError, type HandlerSpec } from "@pouchcontainer/api";
import { createWireServer, readRequest, sendJson, WireClient } from "@pouchcontainer/plugin-sdk/host";
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, ServerResponse, type IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { AfterCalls } from "./after-calls.ts";
import { applyOperations, type RemotePlugin } from "./remote-routes.ts";

const rest = {
  name: "router",
  timeoutMs: 5000,
  hold: () => () => undefined,
  suspect: () => undefined,
  warn: assert.fail,
  afters: new AfterCalls(),
};

type Question = Record<string, unknown>;

/** A daemon with one route that echoes, wrapped by a plugin that answers `before` as given. */
async function wrapped(
  t: TestContext,
  flags: object,
  before: (question: Question) => unknown,
  more: Partial<RemotePlugin> = {},
  query = "x=1",
) {
  const directory = mkdtempSync(join(tmpdir(), "routes-"));
  const socketPath = join(directory, "plugin.sock");
  const asked: Question[] = [];
  let over = false;
  const plugin = createWireServer(async (request, response) => {
    const question = { path: request.url, ...(JSON.parse((await readRequest(request)).toString()) as object) } as Question;
    asked.push(question);
    const answer = request.url === "/ApiPlugin.Before" || "status" in question ? await before(question) : {};
    if (answer !== undefined) sendJson(response, answer);
  }).listen(socketPath);
  await once(plugin, "listening");
  const client = new WireClient(socketPath);
  const echo: HandlerSpec = {
    method: "POST",
    path: "/echo/{id}",
    handler: async (request, response, { id }) => {
      const body = (await readRequest(request)).toString();
      response.writeHead(200, { "x-by": String(request.headers["x-by"]) });
      if (!body.startsWith("{")) response.write(`${id}:`);
      response.end(body);
    },
  };
  const [spec] = applyOperations([echo], [{ op: "wrap", method: "POST", path: "/echo/{name}", ...flags }], {
    socketPath,
    client,
    generation: "c1",
    ...rest,
    // An answer that was on its way when the test took the plugin away is no failure of anybody's.
    warn: (...told) => over || rest.warn(...told),
    ...more,
  });
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      await spec?.handler(request, response, { id: "7" });
    } catch (error) {
      sendError(response, error);
    }
  };
  const server = createServer((request, response) => void serve(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    over = true;
    client.close();
    for (const one of [server, plugin]) {
      one.closeAllConnections();
      one.close();
    }
    rmSync(directory, { recursive: true });
  });
  // A TCP server's address is an object.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1.43/echo/7?${query}`;
  return { asked, post: (body: string) => fetch(url, { method: "POST", body }) };
}

test("before may set headers; without requestBody it sees none, and the body reaches the route", async (t) => {
  const { asked, post } = await wrapped(t, { before: true }, () => ({ headers: { "X-By": "plugin" } }));
  const response = await post("hello");
  assert.deepEqual([await response.text(), response.headers.get("x-by")], ["7:hello", "plugin"]);
  const { path, method, url, params, operation, body } = asked[0] ?? {};
  assert.deepEqual(
    { path, method, url, params, operation, body },
    { path: "/ApiPlugin.Before", method: "POST", url: "/v1.43/echo/7?x=1", params: { id: "7" }, operation: 0, body: undefined },
  );
});

test("before sees and changes a declared body", async (t) => {
  const { post } = await wrapped(t, { before: true, requestBody: true }, ({ body }) => ({ body: `${String(body)}, changed` }));
  assert.equal(await (await post("hello")).text(), "7:hello, changed");
});

test("before may answer in the route's place", async (t) => {
  const { post } = await wrapped(t, { before: true }, () => ({ response: { status: 403, body: '{"message":"no"}' } }));
  const response = await post("hello");
  assert.deepEqual([response.status, await response.json()], [403, { message: "no" }]);
});

test("after is told how it went, with the body where declared", async (t) => {
  const { asked, post } = await wrapped(t, { after: true, responseBody: true }, () => ({}));
  assert.equal(await (await post("hello")).text(), "7:hello");
  for (let round = 0; round < 100 && asked.length === 0; round += 1) await sleep(10);
  assert.deepEqual([asked[0]?.["path"], asked[0]?.["status"], asked[0]?.["body"]], ["/ApiPlugin.After", 200, "7:hello"]);
});

test("operations that are none are refused with their index", () => {
  const plugin = { socketPath: "/none", client: new WireClient("/none"), generation: "c1", ...rest };
  const handler = (): void => undefined;
  const table = [{ method: "GET", path: "/info", handler }];
  assert.throws(() => applyOperations(table, "all", plugin), /operations must be an array/);
  const route = { method: "GET", path: "/some" };
  for (const [operation, words] of [
    [
      { op: "add", ...route, method: "BREW" },
      'operations[0].method must be one of GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, got "BREW"',
    ],
    [{ op: "add", ...route, before: true }, 'operations[0] must not have the member "before" with op add'],
    [{ op: "wrap", ...route, befor: true }, 'operations[0] must not have the member "befor" with op wrap'],
    [{ op: "wrap", ...route, before: 5 }, "operations[0].before must be true or false"],
    [{ op: "wrap", ...route, requestBody: true }, "operations[0] wraps a route and asks for neither before nor after"],
  ] as const)
    assert.throws(() => applyOperations(table, [operation], plugin), { kind: "internal", message: words });
  assert.throws(
    () => applyOperations(table, [{ op: "explode" }], plugin),
    /operations\[0\].op must be add, remove, replace or wrap, got "explode"/,
  );
  assert.throws(
    () => applyOperations(table, [{ op: "remove", method: "GET", path: "/none" }], plugin),
    /there is no route GET \/none to remove/,
  );
});

test("the time for operations grows with their number, which is bounded", () => {
  const plugin = { socketPath: "/none", client: new WireClient("/none"), generation: "c1", ...rest };
  let reads = 0;
  const handler = (): void => undefined;
  const shown = Array.from({ length: 1000 }, (_, index) => ({
    method: "GET",
    get path() {
      reads += 1;
      return `/shown/${index}`;
    },
    handler,
  }));
  const adds = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ op: "add", method: "GET", path: `/added/${index}` }));
  assert.equal(applyOperations(shown, adds(1000), plugin).length, 2000);
  assert.ok(reads <= 5000, `the table's paths were read ${reads} times`);
  assert.throws(() => applyOperations(shown, adds(2001), plugin), {
    kind: "internal",
    message: "it answered with 2001 operations; the most are 2000",
  });
});

test("a path that no router takes is refused with its index, before it costs anything", () => {
  const plugin = { socketPath: "/none", client: new WireClient("/none"), generation: "c1", ...rest };
  const unseen = "must not contain white space, control characters or others that are not seen";
  for (const [path, problem] of [
    ["{".repeat(1_000_000), "must start with a slash"],
    [`/${"{".repeat(1_000_000)}`, "must not be longer than 1024 characters"],
    ["/{id}(a+)+$", "must not contain ?, #, *, ( or )"],
    ["/{id", "writes parameters as {name} or {name...}"],
    ["/a//b", "must not contain //"],
    ["/a?b=c", "must not contain ?, #, *, ( or )"],
    ["/a/../b", "must not have . or .. as a part"],
    ["/..", "must not have . or .. as a part"],
    ["/./a", "must not have . or .. as a part"],
    ["/a/%2E%2e", "must not have . or .. as a part"],
    ["/a\n", unseen],
    ["/a b", unseen],
    ["/a\0", unseen],
    ["/a\u001b[2J", unseen],
    ["/a\u202eb", unseen],
  ] as const) {
    assert.throws(() => applyOperations([], [{ op: "add", method: "GET", path }], plugin), {
      kind: "internal",
      message: `operations[0].path ${problem}`,
    });
  }
});

for (const [answer, problem] of [
  [42, "its answer to ApiPlugin.Before is not a JSON object"],
  [{ body: 1 }, "body of its answer to ApiPlugin.Before must be a string, got 1"],
  [{ headers: { "x-by": 1 } }, "headers.x-by of its answer to ApiPlugin.Before must be a string, got 1"],
  [{ headers: { "x by": "1" } }, 'headers of its answer to ApiPlugin.Before: Header name must be a valid HTTP token ["x by"]'],
  [{ response: "no" }, 'response of its answer to ApiPlugin.Before must be an object, got "no"'],
  [
    { response: { status: "403" } },
    'response.status of its answer to ApiPlugin.Before must be a status from 200 to 599, got "403"',
  ],
  [
    { response: { status: 403, body: { message: "no" } } },
    'response.body of its answer to ApiPlugin.Before must be a string, got {"message":"no"}',
  ],
  [{ response: { status: 403, headers: [] } }, "response.headers of its answer to ApiPlugin.Before must be an object, got []"],
] as const) {
  test(`before that answers ${JSON.stringify(answer)} is that plugin's failure`, async (t) => {
    const { post } = await wrapped(t, { before: true }, () => answer);
    const response = await post("hello");
    assert.deepEqual(
      [response.status, await response.json()],
      [500, { message: `plugin "router" at api.updateHandler: ${problem}` }],
    );
  });
}

test("dots that are no part of a path by themselves are the plugin's own, and letters of any script", () => {
  const plugin = { socketPath: "/none", client: new WireClient("/none"), generation: "c1", ...rest };
  for (const path of ["/.well-known/a", "/a..b", "/...", "/{name...}", "/größe"])
    assert.equal(applyOperations([], [{ op: "add", method: "GET", path }], plugin)[0]?.path, path);
});

test("before has a time to answer, and a refusal names its plugin", async (t) => {
  const suspected: boolean[] = [];
  const suspect = (_error: unknown, late: boolean): void => void suspected.push(late);
  const silent = await wrapped(t, { before: true }, () => undefined, { timeoutMs: 200, suspect });
  const late = await silent.post("hello");
  const message = 'plugin "router" at api.updateHandler: no answer to ApiPlugin.Before within 200 ms';
  assert.deepEqual([late.status, await late.json(), suspected], [500, { message }, [true]]);

  const refusing = await wrapped(t, { before: true }, () => ({ Err: "not on Sundays", Kind: "forbidden" }));
  const refused = await refusing.post("hello");
  assert.deepEqual(
    [refused.status, await refused.json()],
    [403, { message: 'plugin "router" at api.updateHandler: not on Sundays' }],
  );
});

test("what a plugin says of bodies and queries it was shown is without their secrets", async (t) => {
  const warned: string[] = [];
  const warn = (message: string): void => void warned.push(message);
  const refusing = await wrapped(
    t,
    { before: true, requestBody: true },
    ({ body, url }) => ({ Err: `no ${String(body)} ${decodeURIComponent(String(url))}` }),
    {},
    `buildargs=${encodeURIComponent('{"PIN":"hunter4hunter4"}')}`,
  );
  const refused = await refusing.post('{"Env":["DB_PASSWORD=hunter2hunter2"]}');
  assert.deepEqual(await refused.json(), {
    message: 'plugin "router" at api.updateHandler: no {"Env":["DB_PASSWORD=***"]} /v1.43/echo/7?buildargs=***"PIN":"***"}',
  });

  const after = await wrapped(t, { after: true, responseBody: true }, ({ body }) => ({ Err: `no ${String(body)}` }), { warn });
  await (await after.post('{"Env":["DB_PASSWORD=hunter2hunter2"]}')).text();
  for (let round = 0; round < 100 && warned.length === 0; round += 1) await sleep(10);
  assert.deepEqual(warned, ['after a request: no {"Env":["DB_PASSWORD=***"]}']);
});

test("how messages lie on the connection is not the plugin's to say", async (t) => {
  const headers = { "Content-Length": "3", "Transfer-Encoding": "chunked", Connection: "close", "X-By": "plugin" };
  const answering = await wrapped(t, { before: true }, () => ({ response: { status: 200, headers, body: "hello" } }));
  const answer = await answering.post("");
  assert.deepEqual(
    [await answer.text(), answer.headers.get("content-length"), answer.headers.get("transfer-encoding")],
    ["hello", "5", null],
  );
  const passing = await wrapped(t, { before: true, requestBody: true }, () => ({ headers }));
  const passed = await passing.post("hello");
  assert.deepEqual([await passed.text(), passed.headers.get("x-by")], ["7:hello", "plugin"]);
});

test("after is not shown a body that is too large", async (t) => {
  const { asked, post } = await wrapped(t, { after: true, responseBody: true }, () => ({}));
  const long = "x".repeat(1024 * 1024);
  assert.equal(await (await post(long)).text(), `7:${long}`);
  for (let round = 0; round < 100 && asked.length === 0; round += 1) await sleep(10);
  assert.deepEqual([asked[0]?.["status"], asked[0]?.["body"]], [200, undefined]);
});

test("a plugin that does not end what it is told afterwards is told of so many and no more, and that is said", async (t) => {
  const release = Promise.withResolvers<object>();
  const warned: string[] = [];
  const { asked, post } = await wrapped(t, { after: true, responseBody: true }, () => release.promise, {
    warn: (message) => void warned.push(message),
    afters: new AfterCalls(),
  });
  for (let request = 0; request < 20; request += 1) assert.equal(await (await post("x")).text(), "7:x");
  for (let round = 0; round < 200 && asked.length < 16; round += 1) await sleep(10);
  release.resolve({});
  for (let round = 0; round < 200 && warned.length === 0; round += 1) await sleep(10);
  assert.equal(asked.length, 16);
  assert.deepEqual(warned, ["after a request: it was not told of 4 more, as 16 calls were under way"]);
});

test("an upgraded connection counts as under way until its end", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "routes-"));
  const socketPath = join(directory, "plugin.sock");
  const far = createServer().listen(socketPath);
  far.on("upgrade", (_request, socket) => {
    socket.end("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello");
  });
  await once(far, "listening");
  const held = new Set<symbol>();
  const hold = () => {
    const one = Symbol("a connection");
    held.add(one);
    return () => void held.delete(one);
  };
  const plugin = { ...rest, socketPath, client: new WireClient(socketPath), generation: "c1", hold };
  const [spec] = applyOperations([], [{ op: "add", method: "POST", path: "/mine" }], plugin);
  const near = createServer().listen(0, "127.0.0.1");
  const served = new Promise<void>((resolve, reject) => {
    near.on("upgrade", (request, socket) => {
      const response = new ServerResponse(request);
      // The server's sockets are those of `node:net`.
      response.assignSocket(socket as Socket);
      Promise.resolve(spec?.handler(request, response, {})).then(resolve, reject);
    });
  });
  await once(near, "listening");
  t.after(() => {
    for (const server of [near, far]) server.close();
    rmSync(directory, { recursive: true });
  });
  // A TCP server's address is an object.
  const client = connect({ port: (near.address() as AddressInfo).port, allowHalfOpen: true });
  client.write("POST /mine HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
  await served;
  assert.equal(held.size, 1);
  client.end();
  client.resume();
  await once(client, "close");
  for (let round = 0; round < 100 && held.size > 0; round += 1) await sleep(10);
  assert.equal(held.size, 0);
});

test("a route whose plugin is gone names it", async (t) => {
  const suspected: unknown[] = [];
  const plugin = { ...rest, socketPath: "/none", client: new WireClient("/none"), generation: "c1" };
  const [spec] = applyOperations([], [{ op: "add", method: "GET", path: "/mine" }], {
    ...plugin,
    suspect: (error) => void suspected.push(error),
  });
  const server = createServer((request, response) => {
    Promise.resolve(spec?.handler(request, response, {})).catch((error: unknown) => sendError(response, error));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  // A TCP server's address is an object.
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mine`);
  assert.deepEqual(
    [response.status, await response.json(), suspected.length],
    [503, { message: 'plugin "router" at api.updateHandler: connect ENOENT /none' }, 1],
  );
});
