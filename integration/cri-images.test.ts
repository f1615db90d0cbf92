import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { GrpcCode } from "@pouchcontainer/errors";
import { platformOfHost } from "@pouchcontainer/oci";
import { criClients, type CriClients } from "../packages/cri/src/testing/cri-clients.ts";
import { apiVersions } from "../packages/cri/src/wire/services.ts";
import { FakeRegistry } from "../packages/engine/src/registry/testing/fake-registry.ts";
import { Daemon, eventually } from "./harness/daemon.ts";

const user = { username: "me", password: "very-secret-password" };

void describe("CRI's images and what it says of the runtime", () => {
  let daemon: Daemon;
  let registry: FakeRegistry;
  let clients: CriClients;
  let app: string;

  before(async () => {
    registry = await FakeRegistry.start();
    registry.addImage([layerWith("one")], platformOfHost(process), "1", "latest");
    registry.addImage([layerWith("two"), layerWith("three")], platformOfHost(process), "2");
    daemon = await Daemon.start({ cri: true });
    clients = criClients(daemon.criSocket);
    app = `${registry.host}/team/app`;
  });

  after(async () => {
    clients?.[Symbol.dispose]();
    await daemon?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
  });

  test("the socket is root's alone, and version, status and configuration are there under both names", async () => {
    assert.equal(statSync(daemon.criSocket).mode & 0o777, 0o600);
    for (const version of apiVersions) {
      const client = clients.runtime(version);
      const told = await client.version({});
      assert.deepEqual([told.version, told.runtimeName, told.runtimeApiVersion], ["0.1.0", "pouch", version]);
      const { status, info } = await client.status({ verbose: true });
      assert.deepEqual(
        status?.conditions.map(({ type }) => type),
        ["RuntimeReady", "NetworkReady"],
      );
      assert.equal(status?.conditions[0]?.status, true);
      assert.equal((JSON.parse(info["config"] ?? "") as { snapshotter: string }).snapshotter, "overlayfs");
      assert.equal((await client.runtimeConfig({})).linux?.cgroupDriver, 1);
      await client.updateRuntimeConfig({ runtimeConfig: { networkConfig: { podCidr: "192.0.2.0/24" } } });
    }
  });

  test("an image that came by Docker's API is seen, by its names and its id", async () => {
    const inspected = (await daemon.api("GET", "/images/busybox/json")).json<{ Id: string }>();
    for (const version of apiVersions) {
      const client = clients.images(version);
      const { images } = await client.listImages({});
      assert.deepEqual(
        images.map(({ id, repoTags }) => [id, repoTags]),
        [[inspected.Id, ["docker.io/library/busybox:latest"]]],
      );
      for (const name of ["busybox", "docker.io/library/busybox:latest", inspected.Id, inspected.Id.slice(7, 19)]) {
        const { image } = await client.imageStatus({ image: { image: name } });
        assert.equal(image?.id, inspected.Id, name);
        assert.ok((image?.size ?? 0n) > 100_000n);
      }
      assert.deepEqual((await client.imageStatus({ image: { image: "nothing:1" } })).image, undefined);
      assert.deepEqual((await client.listImages({ filter: { image: { image: "nothing:1" } } })).images, []);
    }
  });

  test("an image is pulled, seen by Docker's API, listed, streamed and removed, under both names", async () => {
    for (const version of apiVersions) {
      const client = clients.images(version);
      const { imageRef } = await client.pullImage({ image: { image: `${app}:2` } });
      assert.match(imageRef, /^sha256:[0-9a-f]{64}$/);
      assert.equal((await daemon.api("GET", `/images/${imageRef}/json`)).status, 200);
      const { image, info } = await client.imageStatus({ image: { image: `${app}:2` }, verbose: true });
      assert.deepEqual([image?.id, image?.repoTags], [imageRef, [`${app}:2`]]);
      assert.match(image?.repoDigests[0] ?? "", new RegExp(`^${app}@sha256:[0-9a-f]{64}$`));
      assert.match(info["info"] ?? "", /"chainID":"sha256:/);
      const streamed: string[] = [];
      for await (const { images } of client.streamImages({})) streamed.push(...images.map(({ id }) => id));
      assert.equal(streamed.length, 2);
      assert.ok(streamed.includes(imageRef));
      // A second name, and the image goes with both by the digest.
      await daemon.api("POST", `/images/${imageRef}/tag?repo=mine&tag=x`);
      await client.removeImage({ image: { image: image?.repoDigests[0] ?? "" } });
      await client.removeImage({ image: { image: imageRef } });
      await client.removeImage({ image: { image: "mine:x" } });
      assert.equal((await daemon.api("GET", "/images/mine:x/json")).status, 404);
    }
  });

  test("a name without tag is latest, not every tag", async () => {
    const client = clients.images();
    const { imageRef } = await client.pullImage({ image: { image: app } });
    assert.deepEqual((await client.imageStatus({ image: { image: imageRef } })).image?.repoTags, [`${app}:latest`]);
    await client.removeImage({ image: { image: imageRef } });
  });

  test("what pulls and containers take is in the figures of the file system", async () => {
    const client = clients.images();
    const { imageFilesystems, containerFilesystems } = await client.imageFsInfo({});
    const [usage] = imageFilesystems;
    assert.ok((usage?.usedBytes?.value ?? 0n) > 100_000n);
    assert.ok((usage?.inodesUsed?.value ?? 0n) > 0n);
    assert.ok(statSync(usage?.fsId?.mountpoint ?? "").isDirectory());
    assert.ok(usage?.fsId?.mountpoint.startsWith(daemon.homeDirectory));
    assert.deepEqual(containerFilesystems, imageFilesystems);
  });

  test("an image in use stays with all its names", async () => {
    const container = (await daemon.api("POST", "/containers/create", { Image: "busybox", Cmd: ["sleep", "60"] })).json<{
      Id: string;
    }>();
    await daemon.api("POST", `/containers/${container.Id}/start`);
    try {
      await assert.rejects(clients.images().removeImage({ image: { image: "busybox" } }), { code: GrpcCode.failedPrecondition });
      assert.ok((await clients.images().imageStatus({ image: { image: "busybox" } })).image);
    } finally {
      await daemon.api("DELETE", `/containers/${container.Id}?force=1`);
    }
  });

  test("credentials reach their registry, and no log", async () => {
    registry.interceptors.push(({ authorization }, response) => {
      if (authorization === `Basic ${Buffer.from(`${user.username}:${user.password}`).toString("base64")}`) return false;
      response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
      return true;
    });
    try {
      const client = clients.images();
      const image = { image: `${app}:1` };
      await assert.rejects(client.pullImage({ image }), /no basic auth credentials/);
      await assert.rejects(client.pullImage({ image, auth: { ...user, password: "wrong-secret-password" } }));
      await assert.rejects(client.pullImage({ image, auth: { ...user, serverAddress: "https://other.example" } }));
      const packed = Buffer.from(`${user.username}:${user.password}`).toString("base64");
      const { imageRef } = await client.pullImage({ image, auth: { auth: packed } });
      await client.removeImage({ image: { image: imageRef } });
      for (const secret of ["secret-password", packed]) assert.ok(!daemon.log.includes(secret), secret);
    } finally {
      registry.interceptors.length = 0;
    }
  });

  test("a pull that is cancelled stops asking the registry, and leaves no image", async () => {
    const asked = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    registry.interceptors.push(({ path }, response) => {
      if (!path.includes("/blobs/")) return false;
      response.on("close", () => left.resolve());
      asked.resolve();
      return true;
    });
    try {
      const stop = new AbortController();
      const pull = clients.images().pullImage({ image: { image: `${app}:2` } }, { signal: stop.signal });
      const cancelled = assert.rejects(pull, { code: GrpcCode.cancelled });
      await asked.promise;
      stop.abort();
      await Promise.all([cancelled, left.promise]);
      assert.equal((await clients.images().listImages({})).images.length, 1);
    } finally {
      registry.interceptors.length = 0;
    }
  });

  test("bad input has the codes that clients know", async () => {
    const client = clients.images();
    for (const image of ["", "UPPER", "a b"])
      await assert.rejects(client.pullImage({ image: { image } }), { code: GrpcCode.invalidArgument });
    await assert.rejects(client.pullImage({ image: { image: `${app}:none` } }), { code: GrpcCode.notFound });
    await assert.rejects(client.imageStatus({}), { code: GrpcCode.invalidArgument });
    const tooLong = "x".repeat(20_000_000);
    await assert.rejects(client.imageStatus({ image: { image: tooLong } }), { code: GrpcCode.resourceExhausted });
    assert.equal((await client.imageStatus({ image: { image: "x".repeat(1_000_000) } })).image, undefined);
  });

  test("a kubelet that names the socket as :authority is served", async () => {
    const session = connectHttp2("http://localhost", { createConnection: () => connect(daemon.criSocket) });
    try {
      const stream = session.request({
        ":method": "POST",
        ":path": "/runtime.v1alpha2.ImageService/ListImages",
        ":authority": daemon.criSocket,
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.resume().end(Buffer.alloc(5));
      const [trailers] = (await once(stream, "trailers")) as [Record<string, string>];
      assert.equal(trailers["grpc-status"], "0");
    } finally {
      session.destroy();
    }
  });

  test("images are there again after the daemon was killed, and its socket is taken over", async () => {
    await daemon.kill9();
    await daemon.launch();
    const again = criClients(daemon.criSocket);
    try {
      await eventually("CRI answers", async () => (await again.images().listImages({})).images.length === 1);
    } finally {
      again[Symbol.dispose]();
    }
  });
});

/** A tar with one file in it. */
function layerWith(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), "pouch-layer-"));
  try {
    writeFileSync(join(folder, name), name.repeat(1000));
    return execFileSync("tar", ["-C", folder, "-c", name]).toString("latin1");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
