import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { connect } from "node:tls";
import { HttpServer } from "./http-server.ts";
import type { ListenAddress } from "./listen-address.ts";
import * as certificates from "./testing/certificates.ts";
import { fakeBackend } from "./testing/fake-backend.ts";
import { FakeSession } from "./testing/fake-session.ts";

const { ca, serverCert: cert, serverKey: key, clientCert, clientKey } = certificates;
const asClient = { ca, cert: clientCert, key: clientKey };

async function tlsServer(clientCa?: string, session?: FakeSession) {
  const attach = session ? { containers: { attach: async () => session } } : {};
  const server = new HttpServer({ backend: fakeBackend(attach), version: "1" });
  const address = await server.listen({ host: "127.0.0.1", port: 0, tls: { cert, key, ...(clientCa ? { clientCa } : {}) } });
  return { port: portOf(address), [Symbol.asyncDispose]: () => server.close({ deadlineMilliseconds: 200 }) };
}

function portOf(address: ListenAddress): number {
  assert.ok("port" in address);
  return address.port;
}

async function ping(port: number, options: object): Promise<string> {
  const sent = request({ host: "127.0.0.1", port, path: "/_ping", agent: false, ...options }).end();
  // An https request's "response" has the answer alone.
  const [response] = (await once(sent, "response")) as [NodeJS.ReadableStream];
  return text(response);
}

test("a TCP port with TLS is served to clients whose certificate the CA signed, and to no other", async () => {
  await using server = await tlsServer(ca);
  assert.equal(await ping(server.port, asClient), "OK");
  await assert.rejects(ping(server.port, { ca }), { code: /ERR_SSL|ECONNRESET|EPIPE/ });
});

test("without a CA for clients any of them may connect", async () => {
  await using server = await tlsServer();
  assert.equal(await ping(server.port, { ca }), "OK");
});

test("a connection is taken over under TLS too", async () => {
  const session = new FakeSession({ tty: true });
  await using server = await tlsServer(ca, session);
  const socket = connect({ host: "127.0.0.1", port: server.port, ...asClient });
  await once(socket, "secureConnect");
  socket.write("POST /containers/c/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
  await once(socket, "data");
  socket.write("hello");
  await once(session.input, "readable");
  assert.equal(String(session.input.read()), "hello");
  session.write("bye");
  session.end();
  assert.equal(await text(socket), "bye");
});

test("a certificate that cannot be used keeps the server from listening", async () => {
  const server = new HttpServer({ backend: fakeBackend({}), version: "1" });
  await assert.rejects(server.listen({ host: "127.0.0.1", port: 0, tls: { cert: "x", key: "y" } }), {
    message: /^cannot listen on tcp:\/\/127\.0\.0\.1:0: certificate, key or CA cannot be used/,
  });
});
