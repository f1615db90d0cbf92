import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { forbidden } from "@pouchcontainer/errors";
import { MediaType } from "@pouchcontainer/oci";
import { Leases } from "../lease.ts";
import { FakeContainerd } from "../testing/fake-containerd.ts";
import { faulty, FakeRegistry, refuse } from "../../registry/testing/fake-registry.ts";
import { imageRoom, noPlugins } from "../testing/image-room.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const big = (letter: string): string => letter.repeat(300_000);
const isBlob = ({ path }: { path: string }): boolean => path.includes("/blobs/");

test("a registry on loopback is asked over plain HTTP when it has no TLS", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a", "b"], amd64, "1");
  const room = await imageRoom();
  const lines = await room.pull(`${registry.host}/team/app:1`);
  assert.deepEqual(lines[0], { status: "Pulling from team/app", id: "1" });
  assert.equal(lines.at(-1)?.status, `Status: Downloaded newer image for ${registry.host}/team/app:1`);
  assert.deepEqual(room.events, [
    { action: "pull", id: `${registry.host}/team/app:1`, attributes: { name: `${registry.host}/team/app` } },
  ]);
});

test("a registry on loopback that hangs up on TLS is asked over plain HTTP", async (t) => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a"], amd64, "1");
  const tlsRecord = 0x16;
  const front = createServer((client) => {
    client.on("error", () => undefined);
    client.once("data", (hello: Buffer) => {
      if (hello[0] === tlsRecord) return client.destroy();
      const behind = connect(Number(registry.host.split(":")[1]), "127.0.0.1");
      behind.on("error", () => undefined).write(hello);
      return client.pipe(behind).pipe(client);
    });
  });
  t.after(() => front.close());
  await once(front.listen(0, "127.0.0.1"), "listening");
  const address = front.address();
  assert.ok(typeof address === "object" && address !== null);
  const lines = await (await imageRoom()).pull(`127.0.0.1:${address.port}/team/app:1`);
  assert.match(lines.at(-1)?.status ?? "", /Downloaded newer image/);
});

test("everything pulled is held while the collector runs after every single step", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a", "b", "c"], amd64, "1");
  const containerd = new FakeContainerd();
  containerd.eager = true;
  const room = await imageRoom({ containerd });
  await room.pull(`${registry.host}/app:1`);
  containerd.collect();
  assert.equal(containerd.blobs.size, 5);
  assert.equal(containerd.snapshotsBySnapshotter.get("overlayfs")?.size, 3);
  assert.equal(containerd.leaseResources.size, 0);
  await room.images.remove(`${registry.host}/app:1`, { force: false, noPrune: false });
  assert.equal(containerd.blobs.size + (containerd.snapshotsBySnapshotter.get("overlayfs")?.size ?? 0), 0);
});

test("an image of an index in an index is there after a restart, for the platform it was pulled for", async () => {
  await using registry = await FakeRegistry.start();
  const index = (...manifests: object[]) => ({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
  const other = registry.addImage(["z"], { os: "linux", architecture: "arm64" });
  const inner = registry.addManifest(
    index(
      { ...other, platform: { os: "linux", architecture: "arm64" } },
      { ...registry.addImage(["a"], amd64), platform: amd64 },
    ),
    MediaType.ociIndex,
  );
  const absent = registry.addManifest(index({ ...other, platform: amd64 }), MediaType.ociIndex);
  registry.addManifest(
    index({ ...inner, platform: amd64 }, { ...absent, platform: { os: "windows", architecture: "amd64" } }),
    MediaType.ociIndex,
    "1",
  );
  const containerd = new FakeContainerd();
  const before = await imageRoom({ containerd });
  await before.pull(`${registry.host}/app:1`);
  const warnings: string[] = [];
  const after = await imageRoom({ containerd, warn: (message) => void warnings.push(message) });
  assert.deepEqual(warnings, []);
  const ids = await Promise.all([before, after].map(async (room) => (await room.images.resolve(`${registry.host}/app:1`)).id));
  assert.equal(ids[0], ids[1]);
  await after.images.remove(`${registry.host}/app:1`, { force: false, noPrune: false });
  assert.equal(containerd.blobs.size, 0);
});

test("a pull that fails since the disk is full leaves no parts of layers; one that breaks off does", async () => {
  for (const [failure, left] of [
    ["write: no space left on device", 0],
    ["connection reset by peer", 1],
  ] as const) {
    await using registry = await FakeRegistry.start();
    registry.addImage([big("a"), big("b")], amd64, "1");
    const containerd = new FakeContainerd();
    const { content } = containerd;
    let bytes = 0;
    const failing: typeof content = {
      ...content,
      openWriter: async (...args) => {
        const writer = await content.openWriter(...args);
        return {
          get offset() {
            return writer.offset;
          },
          commit: (request) => writer.commit(request),
          abort: () => writer.abort(),
          write: async (chunk) => {
            if ((bytes += chunk.length) > 400_000) throw new Error(failure);
            await writer.write(chunk);
          },
        };
      },
    };
    Object.assign(containerd, { content: failing });
    const room = await imageRoom({ containerd });
    await assert.rejects(room.pull(`${registry.host}/app:1`), new RegExp(failure));
    assert.equal(containerd.ingests.size > 0 ? 1 : 0, left);
  }
});

test("layers found in place are held before they are counted on", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a", "b"], amd64, "1");
  registry.addImage(["a", "b", "c"], amd64, "2");
  const containerd = new FakeContainerd();
  await (await imageRoom({ containerd })).pull(`${registry.host}/app:1`);
  // The image is gone, its layers wait for the collector.
  containerd.records.clear();
  const room = await imageRoom({ containerd });
  const told: string[] = [];
  const onLine = ({ status = "" }): void => {
    told.push(status);
    if (status === "Already exists") containerd.eager = true;
  };
  await room.images.pull({ reference: `${registry.host}/app:2` }, onLine, new AbortController().signal);
  assert.equal(told.filter((status) => status === "Already exists").length, 2);
  containerd.collect();
  assert.equal(containerd.snapshotsBySnapshotter.get("overlayfs")?.size, 3);
});

test("a registry that is busy is asked again, later each time and as late as it says", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a"], amd64, "1");
  registry.interceptors.push(
    faulty(
      2,
      ({ path }) => path.endsWith("/manifests/1"),
      (response) => refuse(response, 503, "UNAVAILABLE", "later"),
    ),
    faulty(1, isBlob, (response) => refuse(response, 429, "TOOMANYREQUESTS", "slow down", { "retry-after": "7" })),
  );
  const room = await imageRoom();
  await room.pull(`${registry.host}/app:1`);
  assert.deepEqual(room.sleeps, [250, 500, 7000]);
});

test("a registry that stays broken is given up, with its word", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a"], amd64, "1");
  registry.interceptors.push(faulty(100, isBlob, (response) => response.writeHead(502).end("<html>")));
  const room = await imageRoom();
  await assert.rejects(room.pull(`${registry.host}/app:1`), {
    kind: "internal",
    message: "received unexpected HTTP status: 502 Bad Gateway",
  });
  assert.equal(room.containerd.records.size + room.containerd.leaseResources.size + room.containerd.blobs.size, 0);
});

test("a download that breaks off goes on where it stopped", async () => {
  await using registry = await FakeRegistry.start();
  const layer = big("x");
  registry.addImage([layer], amd64, "1");
  const { digest } = registry.addBlob(layer);
  registry.interceptors.push(
    faulty(
      1,
      ({ path }) => path.endsWith(digest),
      (response) => {
        response.writeHead(200, { "content-length": layer.length });
        response.write(layer.slice(0, 100_000), () => response.destroy());
      },
    ),
  );
  const room = await imageRoom();
  await room.pull(`${registry.host}/app:1`);
  const ranges = registry.requests.filter(({ path }) => path.endsWith(digest)).map(({ range }) => range);
  assert.equal(ranges.length, 2);
  assert.equal(ranges[0], undefined);
  assert.match(ranges[1] ?? "", /^bytes=\d+-$/);
});

test("a server without ranges sends all again, and the bytes that are here are passed over", async () => {
  await using registry = await FakeRegistry.start();
  const layer = Array.from({ length: 50_000 }, (_, index) => index).join("");
  registry.addImage([layer], amd64, "1");
  const { digest } = registry.addBlob(layer);
  const containerd = new FakeContainerd();
  containerd.ingests.set(`pouch-${digest}`, Buffer.from(layer.slice(0, 99_999)));
  registry.interceptors.push(({ path }, response) => {
    if (!path.endsWith(digest)) return false;
    response.end(layer);
    return true;
  });
  const room = await imageRoom({ containerd });
  await room.pull(`${registry.host}/app:1`);
  assert.ok(containerd.blobs.has(digest));
});

test("a cancelled pull leaves its half-done ingestion for the next one, which asks for the rest only", async () => {
  await using registry = await FakeRegistry.start();
  const layer = big("y");
  registry.addImage([layer], amd64, "1");
  const { digest } = registry.addBlob(layer);
  registry.interceptors.push(
    faulty(
      1,
      ({ path }) => path.endsWith(digest),
      (response) => {
        response.writeHead(200, { "content-length": layer.length });
        response.write(layer.slice(0, 100_000));
      },
    ),
  );
  const room = await imageRoom();
  const stop = new AbortController();
  const pulling = room.images.pull(
    { reference: `${registry.host}/app:1` },
    ({ status }) => status === "Downloading" && stop.abort(),
    stop.signal,
  );
  await assert.rejects(pulling, { kind: "cancelled" });
  assert.equal(room.containerd.records.size + room.containerd.leaseResources.size + room.containerd.blobs.size, 0);
  assert.ok((room.containerd.ingests.get(`pouch-${digest}`)?.length ?? 0) > 0);
  await room.pull(`${registry.host}/app:1`);
  assert.match(registry.requests.at(-1)?.range ?? "", /^bytes=[1-9]/);
});

test("old bytes that turn out wrong are thrown away, and the layer is downloaded anew", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage([big("z")], amd64, "1");
  const { digest } = registry.addBlob(big("z"));
  const containerd = new FakeContainerd();
  containerd.ingests.set(`pouch-${digest}`, Buffer.from("not z"));
  const room = await imageRoom({ containerd });
  await room.pull(`${registry.host}/app:1`);
  assert.ok(containerd.blobs.has(digest));
});

test("a layer with other bytes than its digest promises is refused and not kept", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["good"], amd64, "1");
  const { digest } = registry.addBlob("good");
  const evil = (body: string): void =>
    void registry.interceptors.unshift(
      faulty(
        1,
        ({ path }) => path.endsWith(digest),
        (response) => response.end(body),
      ),
    );
  const room = await imageRoom();
  evil("evil");
  await assert.rejects(room.pull(`${registry.host}/app:1`), {
    message: `filesystem layer verification failed for digest ${digest}`,
  });
  evil("good and much more");
  await assert.rejects(room.pull(`${registry.host}/app:1`), {
    message: `filesystem layer verification failed for digest ${digest}`,
  });
  assert.equal(room.containerd.ingests.size + room.containerd.blobs.size, 0);
});

test("a manifest with other bytes than its digest promises is refused", async () => {
  await using registry = await FakeRegistry.start();
  const { digest } = registry.addImage(["a"], amd64, "1");
  registry.interceptors.push(({ path }, response) => {
    if (!path.includes("/manifests/")) return false;
    response.writeHead(200, { "content-type": MediaType.ociManifest }).end("{}");
    return true;
  });
  const room = await imageRoom();
  await assert.rejects(room.pull(`${registry.host}/app@${digest}`), {
    message: `manifest verification failed for digest ${digest}`,
  });
});

test("of an index the best platform is taken; none is an error in Docker's words", async () => {
  await using registry = await FakeRegistry.start();
  const platforms = ["amd64", "arm64"].map((architecture) => {
    const platform = { os: "linux", architecture };
    return { ...registry.addImage([architecture], platform), platform };
  });
  registry.addManifest({ schemaVersion: 2, manifests: platforms }, MediaType.dockerManifestList, "1");
  const room = await imageRoom();
  await room.pull(`${registry.host}/app:1`, { platform: "linux/arm64" });
  assert.equal((await room.images.inspect(`${registry.host}/app:1`)).Architecture, "arm64");
  await assert.rejects(room.pull(`${registry.host}/app:1`, { platform: "linux/riscv64" }), {
    kind: "notFound",
    message: "no matching manifest for linux/riscv64 in the manifest list entries",
  });
  await assert.rejects(room.pull(`${registry.host}/app:1`, { platform: "li nux" }), { kind: "invalidArgument" });
});

test("an unchanged tag costs one HEAD", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a"], amd64, "1");
  const room = await imageRoom();
  await room.pull(`${registry.host}/app:1`);
  registry.requests.length = 0;
  const lines = await room.pull(`${registry.host}/app:1`);
  assert.equal(lines.at(-1)?.status, `Status: Image is up to date for ${registry.host}/app:1`);
  assert.deepEqual(
    registry.requests.map(({ method }) => method),
    ["HEAD"],
  );
});

test("pulls of the same image at the same time are one pull, and each is told everything", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a", "b"], amd64, "1");
  const room = await imageRoom();
  const stop = new AbortController();
  const first = room.pull(`${registry.host}/app:1`, { signal: stop.signal });
  const second = room.pull(`${registry.host}/app:1`);
  stop.abort();
  await assert.rejects(first);
  const lines = await second;
  assert.deepEqual(lines[0], { status: "Pulling from app", id: "1" });
  assert.equal(registry.requests.filter(isBlob).length, 3);
  assert.equal(room.events.length, 1);
});

test("no more layers are downloaded at once than allowed; the others are told to wait", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a", "b", "c", "d", "e"], amd64, "1");
  let now = 0;
  let most = 0;
  registry.interceptors.push(({ path }, response) => {
    if (!path.includes("/blobs/")) return false;
    most = Math.max(most, (now += 1));
    response.once("close", () => (now -= 1));
    return false;
  });
  const room = await imageRoom({ maxConcurrentDownloads: 2 });
  const lines = await room.pull(`${registry.host}/app:1`);
  assert.ok(most <= 2);
  assert.equal(lines.filter(({ status }) => status === "Waiting").length, 3);
});

test("layers are unpacked in order, each checked against the config", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a", "b"], amd64, "1");
  const room = await imageRoom();
  await room.pull(`${registry.host}/app:1`);
  assert.deepEqual(room.containerd.applied, [registry.addBlob("a").digest, registry.addBlob("b").digest]);

  const config = { ...amd64, rootfs: { type: "layers", diff_ids: [registry.addBlob("other").digest] } };
  const layer = { mediaType: MediaType.ociLayer, ...registry.addBlob("a lie") };
  const manifest = {
    schemaVersion: 2,
    config: { mediaType: MediaType.ociConfig, ...registry.addBlob(JSON.stringify(config)) },
    layers: [layer],
  };
  registry.addManifest(manifest, MediaType.ociManifest, "lie");
  await assert.rejects(room.pull(`${registry.host}/app:lie`), { message: /^layer verification failed: sha256:/ });
});

test("hostile and unusable manifests are refused with a reason", async () => {
  await using registry = await FakeRegistry.start();
  registry.addManifest({ schemaVersion: 2, layers: "x" }, MediaType.ociManifest, "shape");
  registry.addManifest({ schemaVersion: 1 }, MediaType.dockerSchema1Signed, "old");
  const index = registry.addManifest({ schemaVersion: 2, manifests: [] }, MediaType.ociIndex);
  registry.addManifest({ schemaVersion: 2, manifests: [{ ...index, platform: amd64 }] }, MediaType.ociIndex, "empty");
  registry.interceptors.push(
    faulty(
      1,
      ({ path }) => path.endsWith("/manifests/huge"),
      (response) => response.end(Buffer.alloc(5 << 20, " ")),
    ),
  );
  const room = await imageRoom();
  await assert.rejects(room.pull(`${registry.host}/app:shape`), { message: /layers must be a list/ });
  await assert.rejects(room.pull(`${registry.host}/app:old`), { kind: "invalidArgument", message: /schema 1/ });
  await assert.rejects(room.pull(`${registry.host}/app:empty`), { kind: "notFound" });
  await assert.rejects(room.pull(`${registry.host}/app:huge`), { message: /more than 4194304 bytes/ });
  assert.equal(room.containerd.leaseResources.size + room.containerd.blobs.size, 0);
});

test("what a plugin makes of a pull is pulled; another registry does not hear the client's secrets", async () => {
  await using asked = await FakeRegistry.start();
  await using mirror = await FakeRegistry.start();
  for (const registry of [asked, mirror]) {
    registry.addImage(["a"], amd64, "1");
    registry.interceptors.push(({ authorization }, response) => {
      if (authorization !== undefined || registry === mirror) return false;
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="test"' }).end();
      return true;
    });
  }
  let reference = `${asked.host}/app:1`;
  const change = async (): Promise<never> => ({ reference, platform: "linux/amd64" }) as never;
  const room = await imageRoom({ chains: { ...noPlugins, change } });
  const auth = { username: "ann", password: "secret", serveraddress: asked.host };
  await room.pull(`${asked.host}/app:0`, { auth });
  assert.ok(asked.requests.some(({ authorization }) => authorization !== undefined));
  reference = `${mirror.host}/app:1`;
  await room.pull(`${asked.host}/app:0`, { auth });
  assert.ok(mirror.requests.length > 0 && mirror.requests.every(({ authorization }) => authorization === undefined));
  assert.notEqual(room.images.view(`${mirror.host}/app:1`), undefined);
  reference = "::";
  await assert.rejects(room.pull(`${asked.host}/app:0`, { auth }), {
    kind: "internal",
    message: "plugins at image.prePull left what cannot be pulled: invalid reference format",
  });
});

test("a reference that is none is refused before anyone is asked", async () => {
  const room = await imageRoom();
  await assert.rejects(room.pull("::"), { kind: "invalidArgument", message: "invalid reference format" });
  await assert.rejects(room.pull("app", { tag: "not a tag" }), { kind: "invalidArgument", message: "invalid tag format" });
  room.images.checkPull({ reference: "app:1", platform: "" });
  assert.throws(() => room.images.checkPull({ reference: "::", platform: "" }), { message: "invalid reference format" });
  assert.throws(() => room.images.checkPull({ reference: "app", platform: "a/b/c/d" }), { kind: "invalidArgument" });
});

test("what an outage of containerd left of a load, and what nobody holds, goes when it is back; what a plugin refused stays", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a"], amd64, "1");
  const room = await imageRoom({
    chains: {
      ...noPlugins,
      postPull: async () => {
        throw forbidden("not this one");
      },
    },
  });
  const { containerd } = room;
  await assert.rejects(room.pull(`${registry.host}/app:1`), /not this one/);
  const refused = [...containerd.leaseResources.keys()];
  const left = await new Leases({ containerd, clock: { now: Date.now } }).take("left by another");
  const outage = Promise.withResolvers<void>();
  const archive = new PassThrough();
  archive.write("no archive");
  const load = room.images.load(archive, { quiet: true }, () => undefined, new AbortController().signal);
  await eventually(() => containerd.leaseResources.size === 3);
  containerd.outage = { over: outage.promise };
  archive.end();
  await assert.rejects(load, { kind: "invalidArgument" });
  assert.equal(containerd.leaseResources.size, 3);
  outage.resolve();
  await eventually(() => containerd.leaseResources.size === 1);
  assert.deepEqual([...containerd.leaseResources.keys()], refused);
  assert.ok(!containerd.leaseResources.has(left.id));
});

async function eventually(check: () => boolean): Promise<void> {
  for (let count = 0; !check(); count++) {
    assert.ok(count < 200, "not within a second");
    await sleep(5);
  }
}

test("what a registry calls a config is read up to a size, though it is here and said to be small", async () => {
  await using registry = await FakeRegistry.start();
  const layer = "a".repeat(9 << 20);
  registry.addImage([layer], amd64, "1");
  const { digest, size } = registry.addBlob(layer);
  const manifest = (config: object): object => ({ schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers: [] });
  registry.addManifest(manifest({ mediaType: MediaType.ociConfig, digest, size: 100 }), MediaType.ociManifest, "lies");
  registry.addManifest(manifest({ mediaType: MediaType.ociConfig, digest, size }), MediaType.ociManifest, "big");
  const index = { schemaVersion: 2, manifests: [{ mediaType: MediaType.ociManifest, digest, size: 100, platform: amd64 }] };
  registry.addManifest(index, MediaType.ociIndex, "index");
  const room = await imageRoom();
  await room.pull(`${registry.host}/app:1`);
  for (const [tag, message] of Object.entries({
    lies: `invalid image: its manifest says that ${digest} has 100 bytes, and it has ${size}`,
    big: `invalid image: its config has ${size} bytes, more than 8388608`,
    index: `invalid image: content ${digest} has ${size} bytes, more than the 8388608 that may be read into memory`,
  }))
    await assert.rejects(room.pull(`${registry.host}/app:${tag}`), { kind: "invalidArgument", message });
});
