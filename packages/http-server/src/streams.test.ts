import type { ContainerStats, ContainerWaitResponse, EventMessage, JsonMessage } from "@pouchcontainer/api";
import { forbidden, internal, invalidArgument, notFound } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { once } from "node:events";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import type { OutputChunk, ProgressSink } from "./backend.ts";
import { frame } from "./stdcopy.ts";
import { TestServer } from "./testing/test-server.ts";

async function* endless<T>(items: T[], signal: AbortSignal): AsyncGenerator<T> {
  yield* items;
  if (!signal.aborted) await once(signal, "abort");
}

async function* noSample(): AsyncGenerator<never> {
  // Ends at once.
}

const event = (Action: string): EventMessage => ({
  Type: "container",
  Action,
  Actor: { ID: "a", Attributes: {} },
  time: 1,
  timeNano: 1,
});

test("logs are framed and hand their options on", async () => {
  const asked: unknown[] = [];
  await using server = await TestServer.start({
    containers: {
      logs: async (_ref, options) => {
        asked.push(options);
        const output = Readable.from([{ stream: "stderr", data: Buffer.from("oops\n") }] satisfies OutputChunk[]);
        return { tty: false, output };
      },
    },
  });
  const answer = await server.get("/v1.51/containers/c/logs?stderr=1&tail=10&since=1.5&timestamps=1");
  assert.equal(answer.headers["content-type"], "application/vnd.docker.multiplexed-stream");
  assert.equal(answer.text, frame("stderr", Buffer.from("oops\n")).toString());
  const old = await server.get("/v1.41/containers/c/logs?stdout=1&tail=all&since=0");
  assert.equal(old.headers["content-type"], "application/vnd.docker.raw-stream");
  const none = { stdout: false, stderr: false, follow: false, timestamps: false, details: false };
  assert.deepEqual(asked, [
    { ...none, stderr: true, timestamps: true, tail: 10, since: 1_500_000_000n },
    { ...none, stdout: true },
  ]);
});

test("a client that goes away aborts a follow", async () => {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  await using server = await TestServer.start({
    containers: {
      logs: async (_ref, _options, signal) => {
        signal.addEventListener("abort", () => resolve());
        return { tty: false, output: endless<OutputChunk>([{ stream: "stdout", data: Buffer.from("line") }], signal) };
      },
    },
  });
  const client = server.raw(["GET /containers/c/logs?follow=1&stdout=1 HTTP/1.1"]);
  await client.until("line");
  client.socket.destroy();
  await aborted;
});

test("logs of an unknown container are a 404", async () => {
  await using server = await TestServer.start({
    containers: {
      logs: async () => {
        throw notFound("No such container: c");
      },
    },
  });
  assert.equal((await server.get("/containers/c/logs?stdout=1")).status, 404);
});

test("wait sends its head when the wait is in place and the body with the exit", async () => {
  const registered = Promise.withResolvers<void>();
  const result = Promise.withResolvers<ContainerWaitResponse>();
  const asked: string[] = [];
  await using server = await TestServer.start({
    containers: {
      wait: (_ref, condition) => {
        asked.push(condition);
        return { registered: registered.promise, result: result.promise };
      },
    },
  });
  const client = server.raw(["POST /containers/c/wait?condition=next-exit HTTP/1.1", "Connection: close"]);
  await sleep(20);
  assert.equal(client.text, "");
  registered.resolve();
  await client.until("\r\n\r\n");
  assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(client.body.length, 0);
  result.resolve({ StatusCode: 3 });
  await client.end();
  assert.match(client.body.toString(), /\{"StatusCode":3\}/);
  assert.deepEqual(asked, ["next-exit"]);
});

test("wait for an unknown container or condition is an error answer", async () => {
  await using server = await TestServer.start({
    containers: {
      wait: () => {
        const failed = Promise.reject(notFound("No such container: c"));
        return { registered: failed, result: failed };
      },
    },
  });
  assert.equal((await server.request("POST", "/containers/c/wait")).status, 404);
  const bad = await server.request("POST", "/containers/c/wait?condition=tired");
  assert.equal(bad.status, 400);
  assert.deepEqual(bad.json(), { message: 'invalid condition: "tired"; it is one of not-running, next-exit, removed' });
});

test("a wait that fails after its head was sent says so in its body", async () => {
  await using server = await TestServer.start({
    containers: {
      wait: () => ({ registered: Promise.resolve(), result: sleep(10).then(() => Promise.reject(internal("the shim is gone"))) }),
    },
  });
  const answer = await server.request("POST", "/containers/c/wait");
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json(), { StatusCode: -1, Error: { Message: "the shim is gone" } });
});

test("a wait whose client went away is aborted", async () => {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  await using server = await TestServer.start({
    containers: {
      wait: (_ref, _condition, signal) => {
        signal.addEventListener("abort", () => resolve());
        return { registered: Promise.resolve(), result: new Promise(() => undefined) };
      },
    },
  });
  const client = server.raw(["POST /containers/c/wait HTTP/1.1"]);
  await client.until("\r\n\r\n");
  client.socket.destroy();
  await aborted;
});

test("events are lines, the head comes before the first one, and closing the server ends them", async () => {
  const asked: unknown[] = [];
  await using server = await TestServer.start({
    system: {
      events: (options, signal) => {
        asked.push(options);
        return endless(asked.length === 1 ? [] : [event("start"), event("die")], signal);
      },
    },
  });
  const quiet = server.raw([`GET /events?since=5.25&until=-1&filters=${encodeURIComponent('{"type":["container"]}')} HTTP/1.1`]);
  await quiet.until("\r\n\r\n");
  const lines = server.raw(["GET /events HTTP/1.1"]);
  await lines.until('"die"');
  assert.match(lines.text, /\{"Type":"container","Action":"start".*\}\n/);
  assert.deepEqual(asked, [{ filters: { type: ["container"] }, since: 5.25 }, { filters: {} }]);
  await server.server.close({ deadlineMilliseconds: 5000 });
  await Promise.all([quiet.end(), lines.end()]);
  // The last chunk of a chunked body: it ended as it should.
  assert.match(lines.text, /\r\n0\r\n\r\n$/);
});

// Only identity matters here; the fields are the engine's.
const sample = { read: "2026-01-01T00:00:00Z" } as ContainerStats;

test("stats are one object, or a stream of them", async () => {
  const asked: unknown[] = [];
  await using server = await TestServer.start({
    containers: {
      stats: async function* (_ref, options) {
        asked.push(options);
        yield sample;
        yield sample;
      },
    },
  });
  assert.deepEqual((await server.get("/containers/c/stats?stream=false&one-shot=true")).json(), sample);
  assert.equal((await server.get("/containers/c/stats")).text, `${JSON.stringify(sample)}\n`.repeat(2));
  assert.deepEqual(asked, [
    { stream: false, oneShot: true },
    { stream: true, oneShot: false },
  ]);
  assert.equal((await server.get("/containers/c/stats?one-shot=1")).status, 400);
});

test("of a container that goes before there is a sample there are no stats, and that is no error, as with dockerd", async () => {
  await using server = await TestServer.start({ containers: { stats: () => noSample() } });
  for (const query of ["stream=0", "stream=1"]) {
    const answer = await server.get(`/containers/c/stats?${query}`);
    assert.deepEqual([answer.status, answer.text], [200, ""]);
  }
});

test("stats of an unknown container are a 404", async () => {
  await using server = await TestServer.start({
    containers: {
      // oxlint-disable-next-line require-yield -- fails before its first sample
      stats: async function* () {
        throw notFound("No such container: c");
      },
    },
  });
  assert.equal((await server.get("/containers/c/stats")).status, 404);
});

const pulling = (run: (progress: ProgressSink, signal: AbortSignal) => Promise<void>, asked: unknown[] = []) => ({
  images: {
    pull: async (request: object, progress: ProgressSink, signal: AbortSignal) => {
      asked.push(request);
      await run(progress, signal);
    },
  },
});

test("a pull streams its progress", async () => {
  const asked: unknown[] = [];
  const run = async (progress: ProgressSink) => {
    progress({ status: "Pulling from library/busybox", id: "latest" });
    progress({ status: "Downloading", id: "abc", progressDetail: { current: 1, total: 2 } });
  };
  await using server = await TestServer.start(pulling(run, asked));
  const auth = Buffer.from(JSON.stringify({ username: "u", password: "ü?>" })).toString("base64url");
  const answer = await server.request("POST", "/images/create?fromImage=a%2Fb&tag=sha256%3A00&platform=linux/arm64", undefined, {
    "X-Registry-Auth": auth,
  });
  assert.equal(answer.status, 200);
  assert.equal(
    answer.text,
    '{"status":"Pulling from library/busybox","id":"latest"}\r\n' +
      '{"status":"Downloading","id":"abc","progressDetail":{"current":1,"total":2}}\r\n',
  );
  await server.request("POST", "/images/create?fromImage=a", undefined, { "X-Registry-Auth": "%%%" });
  await server.request("POST", "/images/create?fromImage=a", undefined, {
    "X-Registry-Auth": Buffer.from("{}").toString("base64"),
  });
  assert.deepEqual(asked, [
    { reference: "a/b", tag: "sha256:00", platform: "linux/arm64", auth: { username: "u", password: "ü?>" } },
    { reference: "a" },
    { reference: "a" },
  ]);
});

test("a pull that fails at once has a status, one that fails later a last line", async () => {
  const early = pulling(async () => {
    throw notFound("pull access denied for x");
  });
  const late = pulling(async (progress) => {
    progress({ status: "Downloading" });
    throw internal("digest mismatch");
  });
  {
    await using server = await TestServer.start(early);
    const answer = await server.request("POST", "/images/create?fromImage=x");
    assert.equal(answer.status, 404);
    assert.deepEqual(answer.json(), { message: "pull access denied for x" });
  }
  await using server = await TestServer.start(late);
  const answer = await server.request("POST", "/images/create?fromImage=x");
  assert.equal(answer.status, 200);
  assert.equal(
    answer.text,
    '{"status":"Downloading"}\r\n{"errorDetail":{"message":"digest mismatch"},"error":"digest mismatch"}\r\n',
  );
});

test("a client that goes away aborts a pull", async () => {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const run = async (progress: ProgressSink, signal: AbortSignal) => {
    progress({ status: "Downloading" });
    await once(signal, "abort");
    resolve();
  };
  await using server = await TestServer.start(pulling(run));
  const client = server.raw(["POST /images/create?fromImage=x HTTP/1.1"]);
  await client.until("Downloading");
  client.socket.destroy();
  await aborted;
});

test("a slow client gets the latest progress of each layer, and every other line", async () => {
  const run = async (progress: ProgressSink) => {
    for (let current = 0; current < 200_000; current++) {
      progress({ status: "Downloading", id: "abc", progressDetail: { current, total: 200_000 } });
    }
    progress({ status: "Done" });
  };
  await using server = await TestServer.start(pulling(run));
  const answer = await server.request("POST", "/images/create?fromImage=x");
  const lines = answer.text
    .trim()
    .split("\r\n")
    .map((line) => JSON.parse(line) as JsonMessage);
  assert.ok(lines.length < 10_000, `${lines.length} lines`);
  assert.equal(lines.at(-2)?.progressDetail?.current, 199_999);
  assert.equal(lines.at(-1)?.status, "Done");
});

test("an import reads the request's body, and a pull of nothing is refused", async () => {
  await using server = await TestServer.start({
    images: {
      importImage: async (request, tar, progress) =>
        progress({ status: `${JSON.stringify(request)} ${(await buffer(tar)).length}` }),
    },
  });
  const path = "/images/create?fromSrc=-&repo=a&tag=1&changes=CMD+x&changes=USER+1";
  const { text } = await server.request("POST", path, Buffer.alloc(3_000_000), { "Content-Type": "application/x-tar" });
  const request = { source: "-", repository: "a", tag: "1", message: "", changes: ["CMD x", "USER 1"] };
  assert.equal((JSON.parse(text) as JsonMessage).status, `${JSON.stringify(request)} 3000000`);
  assert.equal((await server.request("POST", "/images/create")).status, 400);
});

test("a push streams its progress, and ends with what it fails with", async () => {
  const asked: unknown[] = [];
  await using server = await TestServer.start({
    images: {
      push: async (request, progress) => {
        asked.push(request);
        if (request.reference === "::") throw invalidArgument("invalid reference format");
        progress({ status: "The push refers to repository [docker.io/a/b]" });
        throw forbidden("denied: no");
      },
    },
  });
  const auth = Buffer.from(JSON.stringify({ username: "u", password: "p" })).toString("base64url");
  const platform = encodeURIComponent(JSON.stringify({ os: "linux", architecture: "arm64" }));
  const answer = await server.request("POST", `/images/a/b/push?tag=1&platform=${platform}`, undefined, {
    "X-Registry-Auth": auth,
  });
  assert.deepEqual(
    [answer.status, answer.text],
    [
      200,
      '{"status":"The push refers to repository [docker.io/a/b]"}\r\n{"errorDetail":{"message":"denied: no"},"error":"denied: no"}\r\n',
    ],
  );
  assert.equal((await server.request("POST", "/images/::/push")).status, 400);
  assert.deepEqual(asked, [
    { reference: "a/b", tag: "1", platform: "linux/arm64", auth: { username: "u", password: "p" } },
    { reference: "::" },
  ]);
});

test("a load reads the request's body", async () => {
  await using server = await TestServer.start({
    images: {
      load: async (tar, options, progress) => {
        const read = await buffer(tar);
        progress({ stream: `${read.length} ${options.quiet}\n` });
      },
    },
  });
  const answer = await server.request("POST", "/images/load?quiet=0", Buffer.alloc(3_000_000), {
    "Content-Type": "application/x-tar",
  });
  assert.equal(answer.text, '{"stream":"3000000 false\\n"}\r\n');
});

test("an archive that is refused is answered with a line, however much of it is still to come", async () => {
  await using server = await TestServer.start({
    images: {
      load: async (tar) => {
        for await (const _chunk of tar.iterator({ destroyOnReturn: false })) break;
        throw invalidArgument("invalid archive");
      },
    },
  });
  const answer = await server.request("POST", "/images/load", Buffer.alloc(20_000_000));
  assert.deepEqual(
    [answer.status, answer.text],
    [200, '{"errorDetail":{"message":"invalid archive"},"error":"invalid archive"}\r\n'],
  );
});

test("save takes several names and the tar goes through", async () => {
  await using server = await TestServer.start({
    images: { save: async (refs) => Readable.from([Buffer.from(refs.join("|"))]) },
  });
  const answer = await server.get("/images/get?names=a%2Fb&names=c,d");
  assert.equal(answer.headers["content-type"], "application/x-tar");
  assert.equal(answer.text, "a/b|c|d");
  assert.equal((await server.get("/images/a/b:1/get")).text, "a/b:1");
});

test("a tar that breaks off breaks the answer off", async () => {
  const broken = async function* () {
    yield Buffer.from("begin");
    throw internal("the disk is gone");
  };
  await using server = await TestServer.start({ containers: { exportFilesystem: async () => Readable.from(broken()) } });
  await assert.rejects(server.get("/containers/c/export"), /aborted|hang up/);
});

test("archives have their path's stat in a header", async () => {
  const stat = { name: "x", size: 1, mode: 0o644, mtime: "2026-01-01T00:00:00Z", linkTarget: "" };
  const put: unknown[] = [];
  await using server = await TestServer.start({
    containers: {
      archiveStat: async () => stat,
      archiveGet: async () => ({ stat, tar: Readable.from([Buffer.from("tar")]) }),
      archivePut: async (ref, path, tar, options) => {
        put.push({ ref, path: path.toString("latin1"), text: (await buffer(tar)).toString(), ...options });
      },
    },
  });
  const encoded = Buffer.from(JSON.stringify(stat)).toString("base64");
  const head = await server.request("HEAD", "/containers/c/archive?path=/x");
  assert.equal(head.headers["x-docker-container-path-stat"], encoded);
  const get = await server.get("/containers/c/archive?path=/x");
  assert.equal(get.headers["x-docker-container-path-stat"], encoded);
  assert.equal(get.text, "tar");
  const answer = await server.request("PUT", "/containers/c/archive?path=/x&noOverwriteDirNonDir=true", "data");
  assert.equal(answer.status, 200);
  assert.deepEqual(put, [{ ref: "c", path: "/x", text: "data", noOverwriteDirNonDir: true, copyUidGid: false }]);
});
