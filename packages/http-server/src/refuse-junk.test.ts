import { invalidArgument } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestServer } from "./testing/test-server.ts";

const badRequest =
  "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request";

/** A server whose start takes as long as the test wants. */
async function slowServer() {
  const started = Promise.withResolvers<void>();
  const archivePut = async (): Promise<void> => {
    throw invalidArgument("no such thing");
  };
  const server = await TestServer.start({ containers: { start: () => started.promise, archivePut } });
  return { server, started };
}

test("junk on a connection is refused in Go's words, and is its end", async () => {
  const { server } = await slowServer();
  await using _server = server;
  const junk = server.raw(["\0junk"]);
  await junk.end();
  assert.equal(junk.text, badRequest);
  const large = server.raw(["GET /_ping HTTP/1.1", `X: ${"a".repeat(2_000_000)}`]);
  await large.end();
  assert.match(large.text, /^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
});

test("a request that was whole has its answer before what follows it is refused", async () => {
  for (const what of ["\0junk\r\n\r\n", "GET /_pi", "\0", "\0\r\n\r\n\0\r\n\r\n"]) {
    const { server, started } = await slowServer();
    await using _server = server;
    const connection = server.raw(["POST /containers/c/start HTTP/1.1"], what);
    if (what === "GET /_pi") connection.socket.end();
    else connection.socket.write("\0more");
    await server.get("/_ping");
    assert.equal(connection.text, "");
    started.resolve();
    await connection.end();
    assert.match(connection.text, /^HTTP\/1\.1 204 No Content\r\n/);
    assert.ok(connection.text.endsWith(`\r\n\r\n${badRequest}`), connection.text);
  }
});

test("a body that breaks off or is broken has one answer", async () => {
  const { server } = await slowServer();
  await using _server = server;
  const put = "PUT /containers/c/archive?path=/ HTTP/1.1";
  for (const [head, body] of [
    [[put, "Transfer-Encoding: chunked"], "3\r\nabc\r\n"],
    [[put, "Content-Length: 10"], "abc"],
  ] as const) {
    const answered = server.raw([...head], body);
    await answered.until("no such thing");
    answered.socket.end("zz\r\n");
    await answered.end();
    assert.equal(answered.text.match(/HTTP\/1\.1/g)?.length, 1, answered.text);
  }
  const unanswered = server.raw(["POST /volumes/create HTTP/1.1", "Transfer-Encoding: chunked"], "3\r\nabc\r\nzz\r\n");
  await unanswered.end();
  assert.match(unanswered.text, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.ok(unanswered.text.endsWith("\r\n\r\n400 Bad Request"), unanswered.text);
});
