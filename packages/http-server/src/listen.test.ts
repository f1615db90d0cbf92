import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { HttpServer } from "./http-server.ts";
import { addressText, parseListenAddress } from "./listen-address.ts";
import { fakeBackend } from "./testing/fake-backend.ts";
import { TestServer } from "./testing/test-server.ts";

async function scratch() {
  const path = await mkdtemp(join(tmpdir(), "pouch-listen-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const newServer = (groupFile?: string) =>
  new HttpServer({ backend: fakeBackend({}), version: "1", ...(groupFile === undefined ? {} : { groupFile }) });

test("the socket is for its owner and group alone", async () => {
  await using directory = await scratch();
  const groupFile = join(directory.path, "group");
  await writeFile(groupFile, `root:x:0:\npouch:x:${process.getgid?.() ?? 0}:\n`);
  const server = newServer(groupFile);
  const socketPath = join(directory.path, "deep", "api.sock");
  await server.listen({ socketPath, group: "pouch" });
  const { mode, gid } = await stat(socketPath);
  assert.equal(mode & 0o777, 0o660);
  assert.equal(gid, process.getgid?.());
  await server.close();
  await assert.rejects(stat(socketPath), { code: "ENOENT" });
});

test("a group that does not exist is an error only when it was asked for", async () => {
  await using directory = await scratch();
  const groupFile = join(directory.path, "group");
  await writeFile(groupFile, "root:x:0:\n");
  const server = newServer(groupFile);
  const socketPath = join(directory.path, "api.sock");
  await assert.rejects(server.listen({ socketPath, group: "nobody-has-this" }), { message: /there is no group nobody-has-this/ });
  await server.listen({ socketPath });
  await server.close();
});

test("a socket left behind is replaced, one in use and a file are not", async () => {
  await using directory = await scratch();
  const inUse = join(directory.path, "used.sock");
  const first = newServer();
  await first.listen({ socketPath: inUse });
  const second = newServer();
  await assert.rejects(second.listen({ socketPath: inUse }), (thrown) => isKind(thrown, "alreadyExists"));

  const file = join(directory.path, "file");
  await writeFile(file, "precious");
  await assert.rejects(second.listen({ socketPath: file }), { message: /there is a file that is no socket/ });

  const stale = join(directory.path, "stale.sock");
  const dead = createServer().listen(join(directory.path, "moved.sock"));
  await once(dead, "listening");
  const { rename } = await import("node:fs/promises");
  await rename(join(directory.path, "moved.sock"), stale);
  dead.close();
  await second.listen({ socketPath: stale });
  await Promise.all([first.close(), second.close()]);
});

test("a TCP port is bound and reported, and a taken one is an error", async () => {
  const server = newServer();
  const address = await server.listen({ host: "127.0.0.1", port: 0 });
  assert.ok("port" in address && address.port > 0);
  const [response] = (await once(get({ host: "127.0.0.1", port: address.port, path: "/_ping", agent: false }), "response")) as [
    NodeJS.ReadableStream,
  ];
  assert.equal(await text(response), "OK");
  const other = newServer();
  await assert.rejects(other.listen(address), (thrown) => isKind(thrown, "alreadyExists"));
  await Promise.all([server.close(), other.close()]);
});

test("a path that is too long for a socket says so", async () => {
  await using directory = await scratch();
  const server = newServer();
  const socketPath = join(directory.path, "x".repeat(120));
  await assert.rejects(server.listen({ socketPath }), { message: /too long for a Unix socket/ });
  await server.close();
});

test("closing lets work in flight finish and refuses new requests", async () => {
  const release = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  await using server = await TestServer.start({
    networks: {
      list: async () => {
        entered.resolve();
        await release.promise;
        return [];
      },
    },
  });
  const client = server.raw(["GET /networks HTTP/1.1"]);
  await entered.promise;
  const closing = server.server.close({ deadlineMilliseconds: 3_600_000 });
  await assert.rejects(server.get("/_ping"), { code: /ENOENT|ECONNREFUSED/ });
  release.resolve();
  await client.until("[]");
  // The idle connection is closed at once, not by the deadline, which comes after that of the test.
  await Promise.all([closing, client.end()]);
});

test("work that outlasts the deadline is broken off and its signal aborted", async () => {
  const aborted = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  await using server = await TestServer.start({
    images: {
      pull: (_request, _progress, signal) => {
        entered.resolve();
        signal.addEventListener("abort", () => aborted.resolve());
        return new Promise(() => undefined);
      },
    },
  });
  const client = server.raw(["POST /images/create?fromImage=x HTTP/1.1"]);
  await entered.promise;
  await server.server.close({ deadlineMilliseconds: 20 });
  await Promise.all([aborted.promise, client.end()]);
});

test("addresses are read as --listen has them", () => {
  assert.deepEqual(parseListenAddress("unix:///run/pouchd.sock"), { socketPath: "/run/pouchd.sock" });
  assert.deepEqual(parseListenAddress("/run/pouchd.sock", "ops"), { socketPath: "/run/pouchd.sock", group: "ops" });
  assert.deepEqual(parseListenAddress("tcp://0.0.0.0:4243"), { host: "0.0.0.0", port: 4243 });
  assert.deepEqual(parseListenAddress("tcp://[::1]:4243"), { host: "::1", port: 4243 });
  assert.deepEqual(parseListenAddress("localhost"), { host: "localhost", port: 2375 });
  assert.deepEqual(parseListenAddress("tcp://:99"), { host: "127.0.0.1", port: 99 });
  const tls = { cert: "c", key: "k" };
  assert.deepEqual(parseListenAddress("tcp://0.0.0.0", undefined, tls), { host: "0.0.0.0", port: 2376, tls });
  for (const bad of ["unix://relative", "tcp://h:99999", "fd://", "tcp://a:b:c", "ftp://x"]) {
    assert.throws(() => parseListenAddress(bad), { message: /write unix:\/\/\/path\/to\/socket or tcp:\/\/host:port/ }, bad);
  }
  assert.equal(addressText({ host: "::1", port: 5 }), "tcp://[::1]:5");
});
