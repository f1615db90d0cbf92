import type { JsonMessage } from "@pouchcontainer/api";
import { EngineError } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { pack } from "tar-stream";
import { imageRoom } from "../testing/image-room.ts";

async function hostOf(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  // A listening TCP server has an address with a port.
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function archive(): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: "file" }, "content");
  tar.finalize();
  return buffer(tar);
}

async function importFrom(
  source: string,
  changes: string[] = [],
): Promise<{ lines: JsonMessage[]; error: unknown; comment: string }> {
  const { images } = await imageRoom();
  const lines: JsonMessage[] = [];
  const progress = (line: JsonMessage): void => void lines.push(line);
  const signal = new AbortController().signal;
  const error: unknown = await images
    .importImage({ source, message: "", changes }, Readable.from([]), progress, signal)
    .catch((thrown: unknown) => thrown);
  const id = lines.at(-1)?.status ?? "";
  return { lines, error, comment: error === undefined ? ((await images.inspect(id)).Comment ?? "") : "" };
}

function assertRefused(error: unknown, kind: string, message: string): void {
  assert.ok(error instanceof EngineError, String(error));
  assert.deepEqual([error.kind, error.message], [kind, message]);
}

test("an archive that is fetched says where from without what is secret of it, and how far it is", async (t) => {
  const tar = await archive();
  const host = await hostOf(t, (_request, response) => {
    response.writeHead(200, { "content-length": tar.length }).end(tar);
  });
  const { lines, error, comment } = await importFrom(`http://user:pw@${host}/root.tar?sig=secret`);
  assert.equal(error, undefined);
  const shown = `http://***@${host}/root.tar`;
  assert.deepEqual(lines[0], { status: `Downloading from ${shown}` });
  assert.deepEqual(lines.at(-2), {
    status: "Importing",
    progressDetail: { current: tar.length, total: tar.length },
    progress: `[${"=".repeat(50)}>]  2.048kB/2.048kB`,
  });
  assert.equal(comment, `Imported from ${shown}`);
});

test("an archive whose length is not said is counted all the same; one of no scheme is HTTP's", async (t) => {
  const tar = await archive();
  const host = await hostOf(t, (_request, response) => {
    response.write(tar);
    response.end();
  });
  const { lines, comment } = await importFrom(`${host}/root.tar`);
  assert.deepEqual(lines.at(1), { status: "Importing", progressDetail: { current: tar.length }, progress: " 2.048kB" });
  assert.equal(comment, `Imported from http://${host}/root.tar`);
});

test("what is not there is an error and no line of an answer, and tells no secret", async (t) => {
  const host = await hostOf(t, (request, response) => {
    response.writeHead(request.url?.startsWith("/404") ? 404 : 503).end(" no such thing\n");
  });
  for (const [path, kind, status] of [
    ["404", "notFound", "404 Not Found"],
    ["x", "internal", "503 Service Unavailable"],
  ] as const) {
    const { lines, error } = await importFrom(`http://user:pw@${host}/${path}?sig=secret`);
    assert.deepEqual(lines, []);
    assertRefused(error, kind, `failed to GET http://***@${host}/${path} with status ${status}: no such thing`);
  }
  const { error } = await importFrom("http://user:pw@127.0.0.1:1/x?sig=secret");
  const message = 'Get "http://***@127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: connection refused';
  assertRefused(error, "internal", message);
  const { error: noAddress } = await importFrom("ftp://user:pw@host/x?sig=secret");
  assert.match(String(noAddress), /fromSrc: ftp:\/\/\*\*\*@host\/x is neither/);
});

test("changes are looked at before anything is fetched", async (t) => {
  let asked = 0;
  const host = await hostOf(t, (_request, response) => {
    asked += 1;
    response.writeHead(404).end();
  });
  const { error } = await importFrom(`http://${host}/x`, ["NOPE"]);
  assertRefused(error, "invalidArgument", "nope is not a valid change command");
  assert.equal(asked, 0);
});
