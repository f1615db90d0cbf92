import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { notFound } from "@pouchcontainer/errors";
import { digestOf, MediaType } from "@pouchcontainer/oci";
import { FakeRegistry, faulty, refuse, type Interceptor, type SeenRequest } from "./testing/fake-registry.ts";
import { breaksAt, isUpload } from "./testing/break-uploads.ts";
import { openedRepository } from "./testing/opened-repository.ts";
import type { BlobSource } from "./upload-blob.ts";

const { signal } = new AbortController();
const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
const digest = digestOf(content);

/** Notes from where it is read. */
function source(bytes: Buffer): BlobSource & { opened: number[] } {
  const opened: number[] = [];
  const open = (offset: number): Readable => {
    opened.push(offset);
    return Readable.from(pieces(bytes, offset), { objectMode: false });
  };
  return { sizeBytes: bytes.length, opened, open };
}

function* pieces(bytes: Buffer, offset: number): Generator<Buffer> {
  for (let at = offset; at < bytes.length; at += 16_384) yield bytes.subarray(at, at + 16_384);
}

const isBegun = ({ method }: SeenRequest): boolean => method === "POST";

test("a blob is sent once, and a tag stands for the manifest that was put there", async () => {
  await using registry = await FakeRegistry.start();
  using repository = await openedRepository(registry.host, "team/app");
  const sent = source(content);
  assert.deepEqual(await repository.uploader.putBlob(digest, sent, signal), { was: "sent" });
  assert.deepEqual(await repository.uploader.putBlob(digest, sent, signal), { was: "there" });
  assert.deepEqual(sent.opened, [0]);
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
  registry.interceptors.push(faulty(1, isUpload, (response) => refuse(response, 503, "UNAVAILABLE", "not now")));
  const sent = source(content);
  await repository.uploader.putBlob(digest, sent, signal);
  assert.deepEqual(sent.opened, [0, 0]);
  const wrong = source(Buffer.from("other"));
  await assert.rejects(repository.uploader.putBlob(digestOf("promised"), wrong, signal), {
    message: "digest invalid: provided digest did not match uploaded content",
  });
  assert.deepEqual(wrong.opened, [0]);
});

test("who pushes asks for both rights, and proves who it is to the registry's own origin alone", async () => {
  await using registry = await FakeRegistry.start();
  await using store = await FakeRegistry.start();
  store.uploads.open.set("1", { repository: "elsewhere", bytes: Buffer.alloc(0) });
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
  await repository.uploader.putBlob(digest, source(content), signal);
  assert.equal(scope, "repository:app:pull,push");
  assert.deepEqual(
    store.requests.map(({ method, authorization }) => [method, authorization]),
    [["PUT", undefined]],
  );
});

test("a registry that says not where an upload goes, or stores another manifest, is told of", async () => {
  await using registry = await FakeRegistry.start();
  using repository = await openedRepository(registry.host, "app");
  registry.interceptors.push(faulty(1, isBegun, (response) => response.writeHead(202).end()));
  await assert.rejects(repository.uploader.putBlob(digest, source(content), signal), /begins an upload and does not say where/);
  const isManifest = ({ path }: { path: string }): boolean => path.includes("/manifests/");
  const other = { "docker-content-digest": digest };
  registry.interceptors.push(faulty(1, isManifest, (response) => response.writeHead(201, other).end()));
  await assert.rejects(
    repository.uploader.putManifest("1", MediaType.ociManifest, Buffer.from("{}"), signal),
    /the registry stored the manifest as sha256:\w+, it is sha256:\w+/,
  );
});

test("an upload that breaks is gone on with at the byte up to which the registry has it", async () => {
  for (const [breaks, opened] of [
    [[0], [0, 0]],
    // Of one byte a registry says the same as of none.
    [[1], [0, 0]],
    [[2], [0, 2]],
    [[150_000], [0, 150_000]],
    [[299_999], [0, 299_999]],
    // What broke is the answer.
    [[300_000], [0]],
    [
      [1000, 1000, 1000, 1000, 1000, 1000],
      [0, 1000, 2000, 3000, 4000, 5000, 6000],
    ],
  ] as const) {
    await using registry = await FakeRegistry.start();
    using repository = await openedRepository(registry.host, "app");
    registry.interceptors.push(breaksAt(registry, ...breaks));
    const sent = source(content);
    assert.deepEqual(await repository.uploader.putBlob(digest, sent, signal), { was: "sent" });
    assert.deepEqual(sent.opened, opened, `broken after ${breaks.join(", ")}`);
    assert.ok(registry.blob("app", digest)?.equals(content));
    assert.deepEqual([...registry.uploads.open], []);
  }
});

test("an upload that gets nowhere is given up after some tries, and taken back", async () => {
  await using registry = await FakeRegistry.start();
  using repository = await openedRepository(registry.host, "app");
  registry.interceptors.push(breaksAt(registry, 5000, 0, 0, 0, 0));
  const sent = source(content);
  await assert.rejects(repository.uploader.putBlob(digest, sent, signal), {
    name: "HttpError",
    message: /^Patch ".*\/session-1"/,
  });
  assert.deepEqual(sent.opened, [0, 5000, 5000, 5000, 5000]);
  assert.deepEqual([...registry.uploads.open], []);
});

test("an upload that the registry has forgotten, or has other bytes of, is begun anew or taken up where it says", async () => {
  await using registry = await FakeRegistry.start();
  using repository = await openedRepository(registry.host, "app");
  const forget: Interceptor = faulty(1, isUpload, (response, { body }) => {
    body.resume();
    registry.uploads.open.clear();
    refuse(response, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
  });
  const mismatch: Interceptor = faulty(1, isUpload, (response, { body }) => {
    body.resume();
    for (const upload of registry.uploads.open.values()) upload.bytes = content.subarray(0, 100);
    response.writeHead(416, { range: "0-99" }).end();
  });
  registry.interceptors.push(forget, mismatch);
  const sent = source(content);
  await repository.uploader.putBlob(digest, sent, signal);
  assert.deepEqual(sent.opened, [0, 0, 100]);
});

test("what refuses an upload is the registry's word, in its words, and nothing is tried again", async () => {
  const html = "<html><body>Forbidden</body></html>";
  for (const [answer, message] of [
    [
      (response) => refuse(response, 403, "DENIED", "requested access to the resource is denied"),
      "denied: requested access to the resource is denied",
    ],
    [
      (response) => response.writeHead(403, { "content-type": "text/html" }).end(html),
      "denied: requested access to the resource is denied",
    ],
    [
      (response) => response.writeHead(404, { "content-type": "text/html" }).end(html),
      "name unknown: repository name not known to registry",
    ],
    [(response) => response.writeHead(200, { "content-type": "text/html" }).end(html), "received unexpected HTTP status: 200 OK"],
    [(response) => response.writeHead(405).end(), "received unexpected HTTP status: 405 Method Not Allowed"],
  ] as [Parameters<typeof faulty>[2], string][]) {
    await using registry = await FakeRegistry.start();
    using repository = await openedRepository(registry.host, "app");
    registry.interceptors.push(faulty(9, isBegun, answer));
    await assert.rejects(repository.uploader.putBlob(digest, source(content), signal), { message });
    assert.equal(registry.requests.filter(isBegun).length, 1, message);
  }
});

test("a registry that has too much to do is waited for as long as it asks", async () => {
  await using registry = await FakeRegistry.start();
  const waits: number[] = [];
  using repository = await openedRepository(registry.host, "app", undefined, {
    clock: { now: () => 0, sleep: async (milliseconds) => void waits.push(milliseconds) },
  });
  const busy = { "retry-after": "7" };
  registry.interceptors.push(faulty(2, isBegun, (response) => refuse(response, 429, "TOOMANYREQUESTS", "slow down", busy)));
  await repository.uploader.putBlob(digest, source(content), signal);
  assert.deepEqual(waits, [7000, 7000]);
});

test("a registry that hangs, whatever it was asked, ends an upload with an error", async () => {
  for (const hangs of ["HEAD", "POST", "PUT", "DELETE"]) {
    await using registry = await FakeRegistry.start();
    using repository = await openedRepository(registry.host, "app", undefined, { idleTimeoutMs: 200 });
    registry.interceptors.push(({ method }) => method === hangs);
    if (hangs === "DELETE")
      registry.interceptors.push(faulty(1, isUpload, (response) => refuse(response, 400, "SIZE_INVALID", "no")));
    const message = hangs === "DELETE" ? /^size invalid: no$/ : /: i\/o timeout$/;
    await assert.rejects(repository.uploader.putBlob(digest, source(content), signal), { message });
  }
});

test("who refuses an upload before it has all of it is heard, and is not sent the rest", async () => {
  await using registry = await FakeRegistry.start();
  using repository = await openedRepository(registry.host, "app");
  registry.interceptors.push(faulty(1, isUpload, (response) => refuse(response, 403, "DENIED", "the repository is full")));
  let sentBytes = 0;
  const endless = function* (): Generator<Buffer> {
    for (;;) {
      sentBytes += 65_536;
      yield Buffer.alloc(65_536);
    }
  };
  const open = (): Readable => Readable.from(endless(), { objectMode: false });
  const putting = repository.uploader.putBlob(digest, { sizeBytes: Number.MAX_SAFE_INTEGER, open }, signal);
  await assert.rejects(putting, { message: "denied: the repository is full" });
  const sentBefore = sentBytes;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(sentBytes, sentBefore);
});

test("what fails of the bytes themselves is no fault of the network", async () => {
  await using registry = await FakeRegistry.start();
  using repository = await openedRepository(registry.host, "app");
  const opened: number[] = [];
  const open = (offset: number): Readable => {
    opened.push(offset);
    return new Readable({
      read() {
        this.destroy(notFound("content sha256:1: not found"));
      },
    });
  };
  const putting = repository.uploader.putBlob(digest, { sizeBytes: 10, open }, signal);
  await assert.rejects(putting, { kind: "notFound", message: "content sha256:1: not found" });
  assert.deepEqual(opened, [0]);
  assert.deepEqual([...registry.uploads.open], []);
});

test("who gives an upload up takes it back", async () => {
  await using registry = await FakeRegistry.start();
  using repository = await openedRepository(registry.host, "app");
  const leaving = new AbortController();
  registry.interceptors.push(faulty(1, isUpload, () => leaving.abort()));
  await assert.rejects(repository.uploader.putBlob(digest, source(content), leaving.signal), { name: "AbortError" });
  assert.deepEqual(registry.requests.map(({ method }) => method).slice(-2), ["PUT", "DELETE"]);
  assert.deepEqual([...registry.uploads.open], []);
});

test("a blob is taken from another repository of the registry that has it, and sent where that refuses", async () => {
  await using registry = await FakeRegistry.start();
  using base = await openedRepository(registry.host, "lib/base");
  using app = await openedRepository(registry.host, "app");
  await base.uploader.putBlob(digest, source(content), signal);
  const sent = source(content);
  const mounted = await app.uploader.putBlob(digest, sent, signal, { mountFrom: "lib/base" });
  assert.deepEqual([mounted, sent.opened], [{ was: "mounted", from: "lib/base" }, []]);
  using other = await openedRepository(registry.host, "other");
  assert.deepEqual(await other.uploader.putBlob(digest, sent, signal, { mountFrom: "lib/none" }), { was: "sent" });
  assert.equal(registry.requests.filter(isBegun).length, 3);
  const isMount = ({ query }: SeenRequest): boolean => query.has("mount");
  registry.interceptors.push(faulty(1, isMount, (response) => refuse(response, 403, "DENIED", "not from there")));
  using third = await openedRepository(registry.host, "third");
  assert.deepEqual(await third.uploader.putBlob(digest, sent, signal, { mountFrom: "lib/base" }), { was: "sent" });
});

test("a token for another repository is asked for apart from that for the own", async () => {
  await using registry = await FakeRegistry.start();
  const scopes: string[][] = [];
  registry.interceptors.push((request, response) => {
    if (request.path === "/token") {
      const asked = request.query.getAll("scope");
      scopes.push(asked);
      response.end(JSON.stringify({ token: `t${asked.length}` }));
      return true;
    }
    const isMount = request.query.has("mount");
    if (request.authorization === (isMount ? "Bearer t2" : "Bearer t1")) return false;
    const challenge = `Bearer realm="http://${registry.host}/token",service="s"`;
    refuse(response, 401, "UNAUTHORIZED", "authentication required", { "www-authenticate": challenge });
    return true;
  });
  using repository = await openedRepository(registry.host, "app");
  await repository.uploader.putBlob(digest, source(content), signal, { mountFrom: "lib/base" });
  assert.deepEqual(scopes, [["repository:app:pull,push"], ["repository:app:pull,push", "repository:lib/base:pull"]]);
});

test("what is asked may be answered by another host, without the registry's credentials; bytes are not sent on to one", async () => {
  await using registry = await FakeRegistry.start();
  await using other = await FakeRegistry.start();
  const isLook = ({ method }: SeenRequest): boolean => method === "HEAD";
  const elsewhere: Parameters<typeof faulty>[2] = (response, { body, path }) => {
    body.resume();
    response.writeHead(307, { location: `http://${other.host}${path}` }).end();
  };
  registry.interceptors.push(
    ({ authorization }, response) => {
      if (authorization !== undefined) return false;
      refuse(response, 401, "UNAUTHORIZED", "authentication required", { "www-authenticate": 'Basic realm="test"' });
      return true;
    },
    faulty(1, isLook, elsewhere),
    faulty(1, isUpload, elsewhere),
  );
  using repository = await openedRepository(registry.host, "app", { username: "me", password: "secret" });
  await assert.rejects(repository.uploader.putBlob(digest, source(content), signal), {
    message: new RegExp(`redirected to http://${other.host}: what it sends is for the origin that was asked, and no other$`),
  });
  assert.deepEqual(
    other.requests.map(({ method, authorization }) => [method, authorization]),
    [["HEAD", undefined]],
  );
  assert.deepEqual([...registry.uploads.open], []);
});
