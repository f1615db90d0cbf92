import assert from "node:assert/strict";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { connect, type ConnectionOptions } from "node:tls";
import { cert, key } from "./testing/certificate.ts";
import { SpdyClient } from "./testing/spdy-client.ts";
import { TestStreaming } from "./testing/test-streaming.ts";

/** Asks for an upgrade over TLS, and hands out the connection after the answer's head. */
async function upgradeOverTls(url: string, options: ConnectionOptions = {}) {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ca: cert, ...options });
  await once(socket, "secureConnect");
  const head = ["GET " + pathname + " HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: SPDY/3.1"];
  socket.write([...head, "X-Stream-Protocol-Version: v4.channel.k8s.io", "", ""].join("\r\n"));
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.pause();
  assert.match(String(answer), /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  return socket;
}

test("streams pass over TLS where it is configured", async () => {
  await using streaming = await TestStreaming.start({ tls: { cert, key } });
  streaming.backend.run = async ({ stdout }) => {
    stdout?.write("in secret");
  };
  const url = streaming.url("exec", { stdin: false, stderr: false });
  assert.match(url, /^https:/);
  const client = new SpdyClient(await upgradeOverTls(url), "");
  await client.stream({ streamType: "error" });
  const stdout = await client.stream({ streamType: "stdout" });
  assert.equal(await text(stdout.output), "in secret");
  await client.closed;
});

test("with an authority for clients, those without its certificate are not served", async () => {
  await using streaming = await TestStreaming.start({ tls: { cert, key, clientCa: cert } });
  await assert.rejects(upgradeOverTls(streaming.url("exec")));
  const socket = await upgradeOverTls(streaming.url("exec"), { cert, key });
  socket.destroy();
  await streaming.untilQuiet();
});

test("connections that break, before a request and within, are nobody's failure", async () => {
  await using streaming = await TestStreaming.start();
  const { hostname, port } = new URL(streaming.url("exec"));
  const { connect } = await import("node:net");
  for (const said of [
    "",
    "GET",
    "\x16\x03\x01 junk\r\n\r\n",
    "GET /exec/x HTTP/1.1\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\n",
  ]) {
    const socket = connect({ host: hostname, port: Number(port) });
    await once(socket, "connect");
    socket.write(said);
    socket.resetAndDestroy();
    await once(socket, "close");
  }
  await streaming.untilQuiet();
});
