import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { Duplex } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { CliError, DaemonError } from "../cli-error.ts";
import { EngineClient } from "./engine-client.ts";
import { parseHost } from "./host-address.ts";

interface Running {
  client: EngineClient;
  server: Server;
  requests: string[];
}

async function serve(
  t: TestContext,
  listener: RequestListener,
  options: { pinnedVersion?: string } = { pinnedVersion: "1.41" },
): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), "pouch-cli-"));
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  const path = join(folder, "s.sock");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });
  return { client: new EngineClient({ address: parseHost(`unix://${path}`), ...options }), server, requests };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

test("JSON comes back whole, by length and in chunks", async (t) => {
  const running = await serve(t, (request, response) => {
    response.setHeader("Content-Type", "application/json");
    if (request.url?.includes("chunked") === true) {
      response.write('{"a":');
      setTimeout(() => response.end('"ü"}'), 5);
    } else response.end('{"a":"ü"}');
  });
  assert.deepEqual(await running.client.getJson("/plain"), { a: "ü" });
  assert.deepEqual(await running.client.getJson("/chunked", { q: "a b", none: undefined, many: ["x", "y"] }), { a: "ü" });
  assert.deepEqual(running.requests, ["GET /v1.41/plain", "GET /v1.41/chunked?q=a%20b&many=x&many=y"]);
});

test("a body is sent as JSON, or streamed in chunks", async (t) => {
  const bodies: string[] = [];
  const running = await serve(t, (request, response) => {
    void bodyOf(request).then((body) => {
      bodies.push(`${request.headers["content-type"]} ${body}`);
      response.end();
    });
  });
  await running.client.postAndForget("/json", { json: { a: 1 } });
  const pieces = async function* () {
    yield Buffer.from("one ");
    yield Buffer.from("two");
  };
  await (await running.client.request("PUT", "/stream", { body: pieces() })).text();
  assert.deepEqual(bodies, ['application/json {"a":1}', "application/x-tar one two"]);
});

test("a body that cannot be read to its end is an error that says why, whether the daemon has begun to answer or not", async (t) => {
  const unread = new Error("cannot read it: a directory");
  const running = await serve(t, (request, response) => {
    if (request.url?.includes("answers") === true) response.write("{}");
    request.resume();
  });
  const pieces = (until: Promise<unknown>) =>
    (async function* () {
      yield Buffer.from("one ");
      await until;
      throw unread;
    })();
  await assert.rejects(running.client.post("/waits", { body: pieces(Promise.resolve()) }), unread);
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  const answer = await running.client.post("/answers", { body: pieces(answered) });
  resolve();
  await assert.rejects(answer.text(), unread);
});

test("the daemon's message becomes the error", async (t) => {
  const running = await serve(t, (_, response) => response.writeHead(404).end('{"message":"No such container: x"}'));
  await assert.rejects(
    running.client.getJson("/x"),
    (error: unknown) =>
      error instanceof DaemonError &&
      error.status === 404 &&
      error.message === "Error response from daemon: No such container: x",
  );
});

test("an older daemon is spoken to in its own version, a new one at once", async (t) => {
  const old: RequestListener = (request, response) => {
    if (request.url === "/_ping") response.setHeader("Api-Version", "1.41").end("OK");
    else if (request.url?.startsWith("/v1.41/") === true) response.end("[]");
    else response.writeHead(400).end('{"message":"client version 1.51 is too new. Maximum supported API version is 1.41"}');
  };
  const running = await serve(t, old, {});
  await running.client.getJson("/containers/json");
  await running.client.getJson("/containers/json");
  assert.deepEqual(running.requests, [
    "GET /v1.51/containers/json",
    "GET /_ping",
    "GET /v1.41/containers/json",
    "GET /v1.41/containers/json",
  ]);
  assert.equal(await running.client.atLeast("1.42"), false);

  const modern = await serve(t, (_, response) => response.end("[]"), {});
  await modern.client.getJson("/containers/json");
  assert.deepEqual(modern.requests, ["GET /v1.51/containers/json"]);
});

test("an upgraded connection carries bytes both ways and ends one side at a time", async (t) => {
  const running = await serve(t, () => undefined);
  running.server.on("upgrade", (_: IncomingMessage, socket: Duplex) => {
    socket.write(
      "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst ",
    );
    let input = "";
    socket.on("data", (chunk) => (input += String(chunk)));
    socket.on("end", () => socket.end(`got ${input}`));
  });
  const stream = await running.client.hijack("/attach");
  await stream.write(Buffer.from("typed"));
  stream.endInput();
  let output = "";
  for await (const chunk of stream.incoming) output += Buffer.from(chunk).toString();
  assert.equal(output, "first got typed");
  assert.equal(stream.contentType, "application/vnd.docker.raw-stream");
});

test("a connection that breaks in the middle of an answer is an error, not a short answer", async (t) => {
  const running = await serve(t, (_, response) => {
    response.writeHead(200, { "Content-Length": "100" });
    response.write("[1,");
    setTimeout(() => response.destroy(), 5);
  });
  await assert.rejects(running.client.getJson("/x"), /closed the connection in the middle/);
});

test("aborting closes the connection", async (t) => {
  const running = await serve(t, (_, response) => void response.write("{}"));
  const abort = new AbortController();
  const answer = await running.client.get("/events", { signal: abort.signal });
  const reading = (async () => {
    for await (const _ of answer.chunks()) abort.abort();
  })();
  await Promise.race([
    reading.catch(() => undefined),
    new Promise((_, reject) => setTimeout(() => reject(new Error("still open")), 2000)),
  ]);
  assert.ok(abort.signal.aborted);
});

test("a daemon that is not there is named, with what to do", async () => {
  const client = new EngineClient({ address: parseHost("unix:///nonexistent/pouchd.sock") });
  await assert.rejects(
    client.getJson("/x"),
    (error: unknown) =>
      error instanceof CliError &&
      error.message === "Cannot connect to the Pouch daemon at unix:///nonexistent/pouchd.sock. Is pouchd running?" &&
      /Start it with 'pouchd'/.test(error.hint ?? ""),
  );
});

test("addresses are read in every notation", () => {
  assert.deepEqual(parseHost("tcp://example.com:2376"), {
    kind: "tcp",
    host: "example.com",
    port: 2376,
    text: "tcp://example.com:2376",
  });
  assert.deepEqual(parseHost("tcp://[::1]:80"), { kind: "tcp", host: "::1", port: 80, text: "tcp://[::1]:80" });
  assert.deepEqual(parseHost("/run/x.sock"), { kind: "unix", path: "/run/x.sock", text: "unix:///run/x.sock" });
  assert.throws(() => parseHost("ftp://x:y"), /write unix:\/\//);
});
