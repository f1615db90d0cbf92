import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { HttpServer } from "./http-server.ts";
import { serverCert as cert, serverKey as key } from "./testing/certificates.ts";
import { fakeBackend } from "./testing/fake-backend.ts";
import { FakeSession } from "./testing/fake-session.ts";

async function servers(t: TestContext, session?: FakeSession) {
  const directory = mkdtempSync(join(tmpdir(), "pouch-slow-"));
  const server = new HttpServer({
    version: "1",
    headTimeoutMs: 400,
    backend: fakeBackend({
      ...(session && { containers: { attach: async () => session } }),
      images: {
        load: async (tar, _options, progress) => progress({ stream: `${(await text(tar)).length} bytes` }),
      },
    }),
  });
  t.after(async () => {
    await server.close({ deadlineMilliseconds: 100 });
    rmSync(directory, { recursive: true });
  });
  const socketPath = join(directory, "s");
  await server.listen({ socketPath });
  const tcp = await server.listen({ host: "127.0.0.1", port: 0 });
  const tls = await server.listen({ host: "127.0.0.1", port: 0, tls: { cert, key } });
  const ports = [tcp, tls].map((address) => ("port" in address ? address.port : 0));
  return { unix: { path: socketPath }, tcp: { port: ports[0] ?? 0 }, tls: { port: ports[1] ?? 0 } };
}

function connection(place: { path: string } | { port: number }): Socket {
  const socket = "path" in place ? connect(place.path) : connect(place.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.resume();
  return socket;
}

/** However it ends: a byte on its way when the server closes is an error here. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

/** A head whose bytes come one by one, never to its end. */
async function dribble(socket: Socket): Promise<void> {
  for (let i = 0; !socket.destroyed && socket.writable && i < 500; i++) {
    socket.write(i === 0 ? "GET /_ping HTTP/1.1\r\nX: " : "a");
    await sleep(20);
  }
}

for (const kind of ["unix", "tcp", "tls"] as const) {
  test(`a ${kind} connection that says nothing is closed`, async (t) => {
    const socket = connection((await servers(t))[kind]);
    await closed(socket);
  });

  test(`a ${kind} connection whose head never ends is closed`, async (t) => {
    const socket = connection((await servers(t))[kind]);
    await Promise.all([closed(socket), dribble(socket)]);
  });
}

test("the second head of a connection has the same time as the first", async (t) => {
  const socket = connection((await servers(t)).tcp);
  const end = closed(socket);
  socket.write("GET /_ping HTTP/1.1\r\n\r\n");
  await once(socket, "data");
  await Promise.all([end, dribble(socket)]);
});

test("a body takes as long as it takes, and so does a connection that was taken over", async (t) => {
  const session = new FakeSession({ tty: true });
  const { unix } = await servers(t, session);
  const upload = connect(unix.path);
  upload.write("POST /images/load HTTP/1.1\r\nConnection: close\r\nContent-Length: 8\r\n\r\n");
  const attached = connect(unix.path);
  attached.write("POST /containers/c/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
  await once(attached, "data");
  // Longer than any head may take.
  for (let i = 0; i < 8; i++) {
    await sleep(150);
    upload.write("x");
  }
  assert.match(await text(upload), /8 bytes/);
  session.write("still there");
  session.end();
  assert.equal(await text(attached), "still there");
});

test("as many connections may wait to be accepted as the system allows", async (t) => {
  const { tcp, unix } = await servers(t);
  const allowed = readFileSync("/proc/sys/net/core/somaxconn", "utf8").trim();
  const listening = execFileSync("ss", ["-H", "-l", "-n", "-t", "-x"], { encoding: "utf8" }).split("\n");
  for (const place of [`127.0.0.1:${tcp.port} `, `${unix.path} `]) {
    const line = listening.find((one) => one.includes(place)) ?? "";
    assert.ok(line.split(/\s+/).includes(allowed), `${place}: ${line}`);
  }
});
