import assert from "node:assert/strict";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { WebSocket } from "ws";
import type { AttachOptions } from "./backend.ts";
import { FakeSession } from "./testing/fake-session.ts";
import { TestServer } from "./testing/test-server.ts";

function attaching(session: FakeSession) {
  const asked: AttachOptions[] = [];
  const attach = async (_ref: string, options: AttachOptions) => {
    asked.push(options);
    return session;
  };
  return { asked, methods: { containers: { attach } } };
}

async function open(server: TestServer, version: string, query: string) {
  const socket = new WebSocket(`ws+unix:${server.socketPath}:/v${version}/containers/c/attach/ws?${query}`);
  const messages: string[] = [];
  socket.on("message", (data: Buffer, binary) => messages.push(`${binary ? "binary" : "text"}: ${data.toString("latin1")}`));
  const closed = once(socket, "close").then(([code]) => Number(code));
  await once(socket, "open");
  return { socket, messages, closed };
}

test("output goes out in binary messages without frames, and its end is a close frame", async () => {
  const session = new FakeSession();
  const { asked, methods } = attaching(session);
  await using server = await TestServer.start(methods);
  const { messages, closed } = await open(server, "1.41", "stream=1&detachKeys=a,b");
  session.write("out");
  session.write("err\xff", "stderr");
  session.end();
  assert.equal(await closed, 1000);
  assert.deepEqual(messages, ["binary: out", `binary: ${Buffer.from("err\xff").toString("latin1")}`]);
  assert.deepEqual(asked, [{ stdin: true, stdout: true, stderr: true, logs: false, stream: true, detachKeys: "a,b" }]);
});

test("messages are text below API 1.28, and from 1.42 on only what is asked for is connected", async () => {
  const session = new FakeSession();
  const { asked, methods } = attaching(session);
  await using server = await TestServer.start(methods);
  const { messages, closed } = await open(server, "1.27", "stream=1");
  session.write("out");
  session.end();
  await closed;
  assert.deepEqual(messages, ["text: out"]);
  await (
    await open(server, "1.42", "stdout=1")
  ).closed;
  assert.deepEqual(asked[1], { stdin: false, stdout: true, stderr: false, logs: false, stream: false });
});

test("what is typed reaches the process, and a client that closes has nothing more to type", async () => {
  const session = new FakeSession();
  await using server = await TestServer.start(attaching(session).methods);
  const { socket, closed } = await open(server, "1.51", "stream=1&stdin=1");
  socket.send("typed ");
  socket.send(Buffer.from("words"));
  socket.close(1000);
  assert.equal(await text(session.input), "typed words");
  assert.equal(await closed, 1000);
  await session.untilClosed();
});

test("what is no handshake is refused and lets go of the process", async () => {
  const handshake = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==" };
  for (const [headers, message] of [
    [{}, /Upgrade must be websocket/],
    [{ ...handshake, Upgrade: "tcp" }, /Upgrade must be websocket/],
    [{ ...handshake, "Sec-WebSocket-Version": "7" }, /Sec-WebSocket-Version must be 13/],
    [{ ...handshake, "Sec-WebSocket-Key": "short" }, /Sec-WebSocket-Key must be 16 bytes/],
  ] as const) {
    const session = new FakeSession();
    await using server = await TestServer.start(attaching(session).methods);
    const answer = await server.request("GET", "/containers/c/attach/ws?stream=1", undefined, headers);
    assert.equal(answer.status, 400);
    assert.equal(answer.headers["sec-websocket-version"], "13");
    assert.match(answer.text, message);
    await session.untilClosed();
  }
});
