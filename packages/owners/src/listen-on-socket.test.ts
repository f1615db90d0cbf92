import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { listenOnSocket } from "./listen-on-socket.ts";

async function scratch() {
  const path = await mkdtemp(join(tmpdir(), "pouch-socket-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

test("the socket has its mode from its first moment, below folders that are made", async () => {
  await using folder = await scratch();
  const before = process.umask();
  for (const mode of [0o600, 0o660]) {
    const path = join(folder.path, `${mode}`, "x.sock");
    const server = createServer();
    await listenOnSocket(server, path, { mode });
    assert.equal((await stat(path)).mode & 0o777, mode);
    await new Promise((resolve) => server.close(resolve));
  }
  assert.equal(process.umask(), before);
});

test("a socket in use and a file that is none are left, and the message names them", async () => {
  await using folder = await scratch();
  const path = join(folder.path, "x.sock");
  const first = createServer((connection) => connection.end());
  await listenOnSocket(first, path, { mode: 0o600 });
  const inUse = { kind: "alreadyExists", message: `cannot listen on unix://${path}: another program listens there` };
  await assert.rejects(listenOnSocket(createServer(), path, { mode: 0o600 }), inUse);
  const client = connect(path);
  await once(client.resume(), "end");
  client.destroy();
  await new Promise((resolve) => first.close(resolve));
  await writeFile(path, "precious");
  await assert.rejects(listenOnSocket(createServer(), path, { mode: 0o600 }), { message: /is no socket; move it away/ });
});

test("a socket whose server is too busy to take one more connection is left", async (t) => {
  await using folder = await scratch();
  const path = join(folder.path, "x.sock");
  const script = `require("node:net").createServer().listen({ path: process.argv[1], backlog: 1 }, () => {
    require("node:fs").writeSync(1, "listens");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  })`;
  const busy = spawn(process.execPath, ["-e", script, path], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(busy, "exit");
  const clients: Socket[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    busy.kill("SIGKILL");
    await ended;
  });
  await once(busy.stdout, "data");
  for (let full = false; !full;) {
    const client = connect(path);
    clients.push(client);
    full = await once(client, "connect").then(
      () => false,
      ({ code }: NodeJS.ErrnoException) => code === "EAGAIN",
    );
    assert.ok(clients.length < 100, "the backlog is never full");
  }
  const second = createServer();
  t.after(() => second.close());
  await assert.rejects(listenOnSocket(second, path, { mode: 0o600 }), {
    kind: "alreadyExists",
    message: `cannot listen on unix://${path}: another program listens there`,
  });
  assert.ok((await stat(path)).isSocket());
});

test("a path that is too long is said to be", async () => {
  await using folder = await scratch();
  const path = join(folder.path, "x".repeat(120));
  await assert.rejects(listenOnSocket(createServer(), path, { mode: 0o600 }), { kind: "invalidArgument" });
});
