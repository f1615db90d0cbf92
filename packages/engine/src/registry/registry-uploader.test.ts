import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { digestOf, MediaType } from "@pouchcontainer/oci";
import type { StreamedBody } from "./http-transport.ts";
import { FakeRegistry, faulty, refuse } from "./testing/fake-registry.ts";
import { openedRepository } from "./testing/opened-repository.ts";

const { signal } = new AbortController();
const content = Buffer.alloc(300_000, "x");
const digest = digestOf(content);

function body(bytes: Buffer): StreamedBody & { opened: number } {
  const made = { sizeBytes: bytes.length, opened: 0, open: () => (made.opened++, Readable.from([bytes])) };
  return made;
}

test("a blob is sent once, and a tag stands for the manifest that was put there", async () => {
  await using registry = await FakeRegistry.start();
  using repository = await openedRepository(registry.host, "team/app");
  const sent = body(content);
  assert.equal(await repository.uploader.putBlob(digest, sent, signal), true);
  assert.equal(await repository.uploader.putBlob(digest, sent, signal), false);
  assert.equal(sent.opened, 1);
  const manifest = Buffer.from('{"schemaVersion":2,"layers":[]}');
  assert.equal(await repository.uploader.putManifest("1", MediaType.ociManifest, manifest, signal), digestOf(manifest));
  assert.deepEqual(await repository.client.getManifest("1", signal), {
    mediaType: MediaType.ociManifest,
    digest: digestOf(manifest),
    bytes: manifest,
  });
});

test("an upload that fails for the moment is sent anew from its beginning, one that is refused is not", async () => {
  await using registry = await FakeRegistry.start();
  using repository = await openedRepository(registry.host, "app");
  const isUpload = ({ method }: { method: string }): boolean => method === "PUT";
  registry.interceptors.push(faulty(1, isUpload, (response) => refuse(response, 503, "UNAVAILABLE", "not now")));
  const sent = body(content);
  await repository.uploader.putBlob(digest, sent, signal);
  assert.equal(sent.opened, 2);
  const wrong = body(Buffer.from("other"));
  await assert.rejects(repository.uploader.putBlob(digestOf("promised"), wrong, signal), {
    message: "digest invalid: provided digest did not match uploaded content",
  });
  assert.equal(wrong.opened, 1);
});

test("who pushes asks for both rights, and proves who it is to the registry's own origin alone", async () => {
  await using registry = await FakeRegistry.start();
  await using store = await FakeRegistry.start();
  let scope: string | null = null;
  registry.interceptors.push((request, response) => {
    if (request.path === "/token") {
      scope = request.query.get("scope");
      response.end(JSON.stringify({ token: "t" }));
      return true;
    }
    if (request.authorization !== "Bearer t") {
      const challenge = `Bearer realm="http://${registry.host}/token",service="s"`;
      refuse(response, 401, "UNAUTHORIZED", "authentication required", { "www-authenticate": challenge });
      return true;
    }
    if (request.method !== "POST") return false;
    response.writeHead(202, { location: `http://${store.host}/v2/elsewhere/blobs/uploads/1` }).end();
    return true;
  });
  using repository = await openedRepository(registry.host, "app", { username: "me", password: "secret" });
  await repository.uploader.putBlob(digest, body(content), signal);
  assert.equal(scope, "repository:app:pull,push");
  assert.deepEqual(
    store.requests.map(({ method, authorization }) => [method, authorization]),
    [["PUT", undefined]],
  );
});

test("a registry that says not where an upload goes, or stores another manifest, is told of", async () => {
  await using registry = await FakeRegistry.start();
  using repository = await openedRepository(registry.host, "app");
  const isBegun = ({ method }: { method: string }): boolean => method === "POST";
  registry.interceptors.push(faulty(1, isBegun, (response) => response.writeHead(202).end()));
  await assert.rejects(repository.uploader.putBlob(digest, body(content), signal), /begins an upload and does not say where/);
  const isManifest = ({ path }: { path: string }): boolean => path.includes("/manifests/");
  const other = { "docker-content-digest": digest };
  registry.interceptors.push(faulty(1, isManifest, (response) => response.writeHead(201, other).end()));
  await assert.rejects(
    repository.uploader.putManifest("1", MediaType.ociManifest, Buffer.from("{}"), signal),
    /the registry stored the manifest as sha256:\w+, it is sha256:\w+/,
  );
});
