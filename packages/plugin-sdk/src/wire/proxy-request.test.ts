import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { proxyRequest } from "./proxy-request.ts";

async function listen(t: TestContext, path: string, listener: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(path);
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

/** A front server that passes everything on to `behind`; returns the path of its socket. */
async function front(t: TestContext, behind: RequestListener): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "proxy-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const [near, far] = [join(directory, "near"), join(directory, "far")];
  await listen(t, far, behind);
  await listen(t, near, (request, response) => {
    proxyRequest({ socketPath: far, path: `/prefix${request.url}`, headers: { "x-added": "1" } }, request, response).catch(
      (error: Error) => response.writeHead(502).end(error.message),
    );
  });
  return near;
}

/** As the daemon takes a connection over for attach and exec. */
function hijack(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  response.detachSocket(socket);
  for (const event of ["data", "end", "timeout"]) socket.removeAllListeners(event);
  socket.write(
    "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
  );
  socket.on("data", (data) => socket.write(`echo ${data.toString()}`));
  socket.on("end", () => socket.end("bye"));
  socket.resume();
}

test("an upgraded connection is spliced in both directions, and an end passes through", async (t) => {
  const socket = connect(await front(t, hijack));
  let received = "";
  socket.on("data", (data) => (received += data.toString()));
  socket.write("POST /exec/1/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}");
  await once(socket, "data");
  assert.match(received, /^HTTP\/1.1 101 UPGRADED\r\n(.*\r\n)*Content-Type: application\/vnd.docker.raw-stream\r\n/i);
  socket.write("hello");
  await once(socket, "data");
  assert.match(received, /\r\n\r\necho hello$/);
  socket.end();
  await once(socket, "end");
  assert.match(received, /echo hellobye$/);
});

test("method, URL, headers and body pass through, and so does the answer's status", async (t) => {
  const near = await front(t, (request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () =>
      response.writeHead(418, { "x-seen": `${request.method} ${request.url} ${String(request.headers["x-added"])}` }).end(body),
    );
  });
  const socket = connect(near);
  socket.write("PUT /a?b=c HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody");
  let received = "";
  for await (const chunk of socket) received += String(chunk);
  assert.match(received, /^HTTP\/1.1 418 /);
  assert.match(received, /x-seen: PUT \/prefix\/a\?b=c 1/i);
  assert.match(received, /body/);
});

test("a client that goes away ends the work behind", async (t) => {
  let closed: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (closed = resolve));
  const near = await front(t, (_request, response) => {
    response.write("first");
    response.once("close", closed);
  });
  const socket = connect(near);
  socket.write("GET /logs HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(socket, "data");
  socket.destroy();
  await ended;
});

test("nobody behind is an error, not a hang", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "proxy-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const near = join(directory, "near");
  await listen(t, near, (request, response) => {
    proxyRequest({ socketPath: join(directory, "none"), path: "/" }, request, response).catch((error: Error) =>
      response.writeHead(502).end(error.message),
    );
  });
  const socket = connect(near);
  socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  let received = "";
  for await (const chunk of socket) received += String(chunk);
  assert.match(received, /^HTTP\/1.1 502 /);
});

test("a head that no answer can have is the other side's failure, told to the client", async (t) => {
  for (const line of ["001 OK", "099 OK", "600 OK"]) {
    const near = await front(t, ({ socket }) => {
      socket.end(`HTTP/1.1 ${line}\r\nContent-Length: 0\r\nX-Left: over\r\n\r\n`);
    });
    const client = connect(near);
    client.write("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const received = await text(client);
    assert.match(received, /^HTTP\/1.1 502 /);
    assert.match(received, new RegExp(`status ${Number(line.slice(0, 3))}; one from 200 to 599 is right`));
    assert.doesNotMatch(received, /over/);
  }
});
