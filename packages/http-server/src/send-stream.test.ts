import assert from "node:assert/strict";
import { once } from "node:events";
import { Readable } from "node:stream";
import { test } from "node:test";
import { TestServer } from "./testing/test-server.ts";

/** An export whose source is this one. */
function exporting(source: Readable | (() => Promise<Readable>)) {
  return { containers: { exportFilesystem: async () => (source instanceof Readable ? source : await source()) } };
}

const closed = (source: Readable): Promise<void> => new Promise((resolve) => source.once("close", resolve));
const request = ["GET /containers/c/export HTTP/1.1"];

test("a client that goes away in the middle ends the source, and is no failure to report", async () => {
  const source = new Readable({ read: () => void source.push(Buffer.alloc(1000)) });
  const reported: unknown[] = [];
  await using server = await TestServer.start(exporting(source), { reportFailure: (failure) => reported.push(failure) });
  const client = server.raw(request);
  await client.until("\r\n\r\n");
  client.socket.destroy();
  await closed(source);
  assert.deepEqual(reported, []);
});

test("a client that went away before there was a source ends it all the same", async () => {
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const source = new Readable({ read: () => undefined });
  const reported: unknown[] = [];
  const methods = exporting(async () => {
    asked.resolve();
    await gone.promise;
    return source;
  });
  await using server = await TestServer.start(methods, { reportFailure: (failure) => reported.push(failure) });
  const client = server.raw(request);
  await asked.promise;
  client.socket.destroy();
  setTimeout(() => gone.resolve(), 50);
  await closed(source);
  assert.deepEqual(reported, []);
});

test("a source that breaks breaks the answer off, and is reported", async () => {
  const reported: string[] = [];
  let pushed = false;
  const source = new Readable({
    read: () => {
      if (pushed) source.destroy(new Error("the disk is broken"));
      else source.push("some");
      pushed = true;
    },
  });
  await using server = await TestServer.start(exporting(source), {
    reportFailure: ({ error }) => reported.push(error.message),
  });
  const client = server.raw(request);
  await once(client.socket, "end");
  client.socket.destroy();
  assert.doesNotMatch(client.text, /\r\n0\r\n/, "the answer has no end");
  assert.deepEqual(reported, ["the disk is broken"]);
});
