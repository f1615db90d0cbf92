import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Refused, SpdyClient, upgrade } from "./testing/spdy-client.ts";
import { TestStreaming } from "./testing/test-streaming.ts";

const protocol = { "X-Stream-Protocol-Version": "v4.channel.k8s.io" };

async function refusal(url: string, headers: Record<string, string | string[]> = protocol, method = "POST"): Promise<Refused> {
  return upgrade(url, headers, method).then(
    () => assert.fail("upgraded"),
    (thrown: unknown) => {
      assert.ok(thrown instanceof Refused, String(thrown));
      return thrown;
    },
  );
}

test("a URL is on loopback, names its kind, and counts once", async () => {
  await using streaming = await TestStreaming.start();
  const url = streaming.url("exec");
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/exec\/[\w-]{24}$/);
  const client = await SpdyClient.open(url, "v4.channel.k8s.io");
  assert.equal((await refusal(url)).status, 404);
  client.socket.destroy();
});

test("late tokens, junk, and tokens of another kind are not found", async () => {
  await using streaming = await TestStreaming.start({ tokenLifetimeMs: 30 });
  const { origin } = new URL(streaming.url("exec"));
  const late = streaming.url("exec");
  await sleep(40);
  assert.equal((await refusal(late)).status, 404);
  assert.equal((await refusal(streaming.url("attach").replace("attach", "exec"))).status, 404);
  for (const path of ["/exec/junk", "/exec/", "/exec/a/b", "/cri/exec/x", `/exec/${"x".repeat(5000)}`, "/exec/%2e%2e", "/"])
    assert.equal((await refusal(origin + path)).status, 404, path);
});

test("a protocol that we lack is refused with those we have, and costs no token", async () => {
  await using streaming = await TestStreaming.start();
  const url = streaming.url("exec");
  const refused = await refusal(url, { "X-Stream-Protocol-Version": "v9.channel.k8s.io" });
  assert.equal(refused.status, 403);
  assert.match(String(refused.headers["x-accepted-stream-protocol-versions"]), /^v4\.channel\.k8s\.io, v3/);
  assert.equal((await refusal(url, { Upgrade: "h2c" })).status, 400);
  assert.equal((await refusal(url, protocol, "DELETE")).status, 405);
  assert.equal((await fetch(url)).status, 400);
  const key = "AAAAAAAAAAAAAAAAAAAAAA==";
  const webSocket = { Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key };
  assert.equal((await refusal(url, { ...webSocket, "Sec-WebSocket-Protocol": "v9.channel.k8s.io" }, "GET")).status, 403);
  const client = await SpdyClient.open(url, ["v9.channel.k8s.io", "v3.channel.k8s.io"]);
  assert.equal(client.protocol, "v3.channel.k8s.io");
  client.socket.destroy();
  assert.equal((await refusal(streaming.url("exec"), { ...webSocket, "Sec-WebSocket-Key": "short" }, "GET")).status, 400);
  await streaming.untilQuiet();
});

test("a request nobody could be connected with gets no URL, and only so many wait", async () => {
  await using streaming = await TestStreaming.start({ maxTokens: 2 });
  const { server } = streaming;
  const command = { containerId: "c1", stdin: false, stdout: true, stderr: false, tty: false };
  for (const wrong of [
    { ...command, containerId: "" },
    { ...command, stdout: false },
    { ...command, tty: true, stderr: true },
  ])
    assert.throws(
      () => server.attachUrl(wrong),
      (thrown) => isKind(thrown, "invalidArgument"),
    );
  for (const ports of [[0], [65536], [1.5]])
    assert.throws(
      () => server.portForwardUrl({ podSandboxId: "p1", ports }),
      (thrown) => isKind(thrown, "invalidArgument"),
    );
  server.attachUrl(command);
  server.attachUrl(command);
  assert.throws(
    () => server.attachUrl(command),
    (thrown) => isKind(thrown, "resourceExhausted"),
  );
});

test("a client that makes no streams in time is let go", async () => {
  await using streaming = await TestStreaming.start({ creationTimeoutMs: 50 });
  const client = await SpdyClient.open(streaming.url("exec"), "v4.channel.k8s.io");
  // It may be late already.
  await client.stream({ streamType: "error" }).catch(() => undefined);
  await client.closed;
  assert.equal(client.gone, true);
  await streaming.untilQuiet();
  assert.deepEqual(streaming.backend.asked, []);
});

test("a session in which nothing passes is ended, and closing the server ends all", async () => {
  await using streaming = await TestStreaming.start({ idleTimeoutMs: 100 });
  streaming.backend.forward = (_connection, _request, signal) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  const idle = await SpdyClient.open(streaming.url("portforward"), "portforward.k8s.io");
  await idle.stream({ streamType: "error", port: "80", requestID: "0" });
  await idle.stream({ streamType: "data", port: "80", requestID: "0" });
  await idle.closed;
  await streaming.untilQuiet();
  const open = await SpdyClient.open(streaming.url("portforward"), "portforward.k8s.io");
  await streaming.server.close();
  await open.closed;
});
