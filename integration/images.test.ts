import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { after, afterEach, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonMessage } from "@pouchcontainer/api";
import { conflict } from "@pouchcontainer/errors";
import { dockerNaming, platformOfHost } from "@pouchcontainer/oci";
import { makeImageArchive } from "../hack/busybox-image.ts";
import { createImageManager, type ImageManager, type ImageManagerOptions, type ImageUser } from "@pouchcontainer/engine";
import { bodyOfRequest } from "@pouchcontainer/plugin-sdk/host";
import { ContainerdFixture } from "./harness/containerd-fixture.ts";
import { makeLayeredArchive } from "./harness/layered-image.ts";
import { FakeRegistry } from "../packages/engine/src/registry/testing/fake-registry.ts";
import { breaksAt } from "../packages/engine/src/registry/testing/break-uploads.ts";
import { Registry } from "./harness/registry.ts";

const forever = new AbortController().signal;
const everything = { all: true, digests: true, sharedSize: false, filters: {} };
const gently = { force: false, noPrune: false };

void describe("images on containerd", () => {
  let containerd: ContainerdFixture;
  let registry: Registry;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "pouch-images-"));
    containerd = await ContainerdFixture.start();
    registry = await Registry.start();
    registry.mirror(join(folder, "certs.d"), "docker.io");
    makeImageArchive(join(folder, "busybox.tar"), { name: "busybox:latest", config: { Labels: { kind: "test" } } });
    makeLayeredArchive(join(folder, "layers.tar"), { name: "layers:1", layers: 6, bytesPerLayer: 2_000_000 });
    push("busybox.tar", "library/busybox:latest");
    push("layers.tar", "library/layers:1");
  });

  after(async () => {
    await containerd?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    const images = await manager();
    for (const { Id } of await images.list(everything)) await images.remove(Id, { force: true, noPrune: false });
    for (const lease of await containerd.client.leases.list()) await containerd.client.leases.delete(lease.id, { sync: true });
  });

  function push(archive: string, name: string, ...options: string[]): void {
    const to = `docker://${registry.host}/${name}`;
    const from = `docker-archive:${join(folder, archive)}`;
    execFileSync("skopeo", ["copy", "--insecure-policy", "--dest-tls-verify=false", ...options, from, to], { stdio: "pipe" });
  }

  function manager(options: Partial<ImageManagerOptions> = {}): Promise<ImageManager> {
    return createImageManager({
      containerd: containerd.client,
      chains: {
        ask: async () => undefined,
        change: async (point, request) => bodyOfRequest(point, request),
        postPull: async () => undefined,
      },
      events: { publish: () => undefined },
      snapshotter: "overlayfs",
      naming: dockerNaming,
      platform: platformOfHost(process),
      certsDirectory: join(folder, "certs.d"),
      userAgent: "pouchd/test",
      env: {},
      clock: {
        now: () => Date.now(),
        sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
      },
      removal: (work) => work(),
      warn: (message) => assert.fail(message),
      usedBy: () => [],
      ...options,
    });
  }

  async function pull(
    images: ImageManager,
    reference: string,
    options: { signal?: AbortSignal; platform?: string } = {},
  ): Promise<JsonMessage[]> {
    const lines: JsonMessage[] = [];
    const { signal = forever, platform } = options;
    await images.pull({ reference, ...(platform !== undefined && { platform }) }, (line) => lines.push(line), signal);
    return lines;
  }

  async function load(images: ImageManager, file: string): Promise<string[]> {
    const lines: JsonMessage[] = [];
    await images.load(createReadStream(join(folder, file)), { quiet: true }, (line) => lines.push(line), forever);
    return lines.map(({ stream }) => stream ?? "");
  }

  async function save(images: ImageManager, file: string, ...refs: string[]): Promise<void> {
    await pipeline(await images.save(refs, {}, forever), createWriteStream(join(folder, file)));
  }

  /** containerd's collector runs to its end. */
  async function collect(): Promise<void> {
    const id = `collect-${process.hrtime.bigint()}`;
    await containerd.client.leases.create(id);
    await containerd.client.leases.delete(id, { sync: true });
  }

  async function left(): Promise<{ content: number; snapshots: number; leases: number; images: number }> {
    const { client } = containerd;
    return {
      content: (await client.content.list()).length,
      snapshots: (await client.snapshots("overlayfs").list()).length,
      leases: (await client.leases.list()).length,
      images: (await client.images.list()).length,
    };
  }

  const nothing = { content: 0, snapshots: 0, leases: 0, images: 0 };

  /** Mounts the image's top snapshot and reads a file in it. */
  async function readInImage(images: ImageManager, ref: string, path: string): Promise<string> {
    const { chainId } = await images.resolve(ref);
    const snapshots = containerd.client.snapshots("overlayfs");
    const mountpoint = mkdtempSync(join(folder, "mnt-"));
    const key = `view-${mountpoint}`;
    const [mount] = await snapshots.view(key, chainId);
    assert.ok(mount);
    execFileSync("mount", ["-t", mount.type, "-o", mount.options.join(",").replace("rbind", "bind"), mount.source, mountpoint]);
    try {
      return readFileSync(join(mountpoint, path), "utf8");
    } finally {
      execFileSync("umount", [mountpoint]);
      await snapshots.remove(key);
    }
  }

  test("a pull tells what Docker tells, and a second one that nothing is new", async () => {
    const images = await manager();
    const lines = await pull(images, "busybox:latest");
    const { RepoDigests, RepoTags } = await images.inspect("busybox");
    const digest = RepoDigests[0]?.split("@")[1];
    assert.deepEqual(RepoTags, ["busybox:latest"]);
    assert.deepEqual(lines[0], { status: "Pulling from library/busybox", id: "latest" });
    const states = [...new Set(lines.map(({ status }) => status))];
    assert.deepEqual(states, [
      "Pulling from library/busybox",
      "Pulling fs layer",
      "Downloading",
      "Verifying Checksum",
      "Download complete",
      "Extracting",
      "Pull complete",
      `Digest: ${digest}`,
      "Status: Downloaded newer image for busybox:latest",
    ]);
    assert.deepEqual(await pull(images, "busybox:latest"), [
      { status: "Pulling from library/busybox", id: "latest" },
      { status: `Digest: ${digest}` },
      { status: "Status: Image is up to date for busybox:latest" },
    ]);
    assert.match(await readInImage(images, "busybox", "etc/passwd"), /^root:/);
  });

  test("the collector may run at any moment of a pull, and takes nothing of it afterwards", async () => {
    const images = await manager();
    const state = { pulling: true };
    let rounds = 0;
    const collector = (async () => {
      while (state.pulling) {
        await collect();
        rounds += 1;
      }
    })();
    await pull(images, "layers:1").finally(() => (state.pulling = false));
    await collector;
    await collect();
    assert.ok(rounds > 3, `the collector ran ${rounds} times`);
    assert.deepEqual(await left(), { content: 8, snapshots: 6, leases: 0, images: 2 });
    assert.equal(await readInImage(images, "layers:1", "layer-0"), "0 amd64");
    assert.equal(await readInImage(images, "layers:1", "layer-5"), "5 amd64");
    await images.remove("layers:1", gently);
    assert.deepEqual(await left(), nothing);
  });

  test("a cancelled pull leaves no lease, image or snapshot, and the next one succeeds", async () => {
    const images = await manager();
    const stop = new AbortController();
    const pulling = images.pull(
      { reference: "layers:1" },
      ({ status }) => status === "Pull complete" && stop.abort(),
      stop.signal,
    );
    await assert.rejects(pulling, { kind: "cancelled" });
    assert.deepEqual(await left(), nothing);
    await pull(images, "layers:1");
    assert.equal((await left()).snapshots, 6);
  });

  test("pulls of the same image at the same time share the work", async () => {
    const images = await manager();
    const all = await Promise.all([
      pull(images, "layers:1"),
      pull(images, "layers:1"),
      pull(images, "docker.io/library/layers:1"),
    ]);
    for (const lines of all) assert.equal(lines.at(-1)?.status, "Status: Downloaded newer image for layers:1");
    assert.deepEqual(await left(), { content: 8, snapshots: 6, leases: 0, images: 2 });
  });

  test("images that share layers can be pulled at the same time, one of them cancelled", async () => {
    push("layers.tar", "library/other:1");
    const images = await manager();
    const stop = new AbortController();
    const cancelled = images.pull(
      { reference: "layers:1" },
      ({ status }) => status === "Download complete" && stop.abort(),
      stop.signal,
    );
    const other = pull(images, "other:1");
    await assert.rejects(cancelled, { kind: "cancelled" });
    await other;
    await collect();
    assert.deepEqual(
      (await images.list(everything)).map(({ RepoTags }) => RepoTags),
      [["other:1"]],
    );
    assert.equal(await readInImage(images, "other:1", "layer-5"), "5 amd64");
  });

  test("of an index the platform's image is taken, another one on request", async () => {
    for (const architecture of ["amd64", "arm64"]) {
      makeLayeredArchive(join(folder, `${architecture}.tar`), { name: "multi:1", layers: 1, bytesPerLayer: 10, architecture });
      push(`${architecture}.tar`, `library/multi:${architecture}`);
    }
    await pushIndex("library/multi", "1", ["amd64", "arm64"]);
    const images = await manager({ platform: { os: "linux", architecture: "arm64" } });
    await pull(images, "multi:1");
    assert.equal((await images.inspect("multi:1")).Architecture, "arm64");
    await collect();
    assert.equal(await readInImage(images, "multi:1", "layer-0"), "0 arm64");
    await assert.rejects(images.inspect("multi:1", { platform: "linux/amd64" }), { kind: "notFound" });
    await assert.rejects(pull(images, "multi:1", { platform: "linux/s390x" }), {
      kind: "notFound",
      message: "no matching manifest for linux/s390x in the manifest list entries",
    });
    await pull(images, "multi:1", { platform: "linux/amd64" });
    assert.equal((await images.inspect("multi:1")).Architecture, "amd64");
    assert.equal((await images.inspect("multi:1", { platform: "linux/arm64" })).Architecture, "arm64");
    const restarted = await manager({ platform: { os: "linux", architecture: "arm64" } });
    assert.equal((await restarted.inspect("multi:1")).Architecture, "amd64", "the name keeps the platform it was pulled for");
  });

  async function pushIndex(repository: string, tag: string, architectures: string[]): Promise<void> {
    const url = `http://${registry.host}/v2/${repository}/manifests`;
    const type = "application/vnd.docker.distribution.manifest.v2+json";
    const manifests = await Promise.all(
      architectures.map(async (architecture) => {
        const answer = await fetch(`${url}/${architecture}`, { headers: { accept: type } });
        const size = (await answer.arrayBuffer()).byteLength;
        return {
          mediaType: type,
          digest: answer.headers.get("docker-content-digest"),
          size,
          platform: { os: "linux", architecture },
        };
      }),
    );
    const mediaType = "application/vnd.docker.distribution.manifest.list.v2+json";
    const answer = await fetch(`${url}/${tag}`, {
      method: "PUT",
      headers: { "content-type": mediaType },
      body: JSON.stringify({ schemaVersion: 2, mediaType, manifests }),
    });
    assert.equal(answer.status, 201);
  }

  test("layers compressed with zstd are unpacked", async () => {
    // Layers of its own: of those that skopeo has pushed before it would take what the registry has, compressed with gzip.
    makeLayeredArchive(join(folder, "zstd.tar"), { name: "zstd:1", layers: 2, bytesPerLayer: 200_000 });
    push("zstd.tar", "library/zstd:1", "--format", "oci", "--dest-compress-format", "zstd");
    const before = new Set((await containerd.client.content.list()).map(({ digest }) => digest));
    const images = await manager();
    await pull(images, "zstd:1");
    const content = await containerd.client.content.list();
    const layers = content.filter(({ digest, size }) => size > 100_000 && !before.has(digest));
    assert.equal(layers.length, 2);
    for (const { digest } of layers) {
      const [start] = await Array.fromAsync(containerd.client.content.read(digest, { size: 4 }));
      assert.equal(Buffer.from(start ?? []).toString("hex"), "28b52ffd", `${digest} does not begin as what zstd makes`);
    }
    assert.equal(await readInImage(images, "zstd:1", "layer-1"), "1 amd64");
  });

  test("a pull by digest is found by digest", async () => {
    const images = await manager();
    await pull(images, "busybox:latest");
    const [digest = ""] = (await images.inspect("busybox")).RepoDigests;
    await images.remove("busybox", gently);
    await pull(images, digest);
    const { RepoTags, RepoDigests } = await images.inspect(digest);
    assert.deepEqual({ RepoTags, RepoDigests }, { RepoTags: [], RepoDigests: [digest] });
  });

  test("a tag that moves leaves the old image dangling; prune takes it", async () => {
    const images = await manager();
    await load(images, "busybox.tar");
    const { Id } = await images.inspect("busybox");
    push("layers.tar", "library/busybox:moved");
    await pull(images, "busybox:moved");
    await images.tag("busybox:moved", { repository: "busybox", tag: "latest" });
    await collect();
    const restarted = await manager();
    assert.deepEqual((await restarted.inspect(Id)).RepoTags, []);
    assert.deepEqual(
      (await restarted.list({ ...everything, filters: { dangling: ["true"] } })).map((image) => image.Id),
      [Id],
    );
    const pruned = await restarted.prune({});
    assert.equal(pruned.ImagesDeleted?.[0]?.Deleted, Id);
    assert.ok(pruned.SpaceReclaimed > 1_000_000);
  });

  test("an image that was loaded and pulled, one config under two manifests, stays whole when names come and go", async () => {
    const images = await manager();
    push("busybox.tar", "library/pulled:1");
    await load(images, "busybox.tar");
    await pull(images, "pulled:1");
    await load(images, "busybox.tar");
    await images.remove("pulled:1", gently);
    await collect();
    assert.deepEqual(
      (await images.list(everything)).map(({ RepoTags }) => RepoTags),
      [["busybox:latest"]],
    );
    assert.equal((await images.diskUsage()).images.length, 1);
    await save(images, "kept.tar", "busybox");
    assert.match(await readInImage(images, "busybox", "etc/passwd"), /^root:/);
  });

  test("an image in use is kept, with Docker's words", async () => {
    const users: ImageUser[] = [{ id: "c".repeat(64), running: true }];
    const images = await manager({ usedBy: () => users });
    await load(images, "busybox.tar");
    const { Id } = await images.inspect("busybox");
    const short = Id.slice(7, 19);
    await assert.rejects(images.remove("busybox", gently), {
      kind: "conflict",
      message: `conflict: unable to remove repository reference "busybox" (must force) - container cccccccccccc is using its referenced image ${short}`,
    });
    await assert.rejects(images.remove(short, { force: true, noPrune: false }), {
      message: `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container cccccccccccc`,
    });
    users[0] = { id: "c".repeat(64), running: false };
    await assert.rejects(images.remove(short, gently), {
      message: `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container cccccccccccc`,
    });
    users.length = 0;
    assert.equal((await images.remove(short, gently))[0]?.Untagged, "busybox:latest");
  });

  test("a plugin that refuses makes the pull fail, and the content stays for a retry", async () => {
    let refuse = true;
    const images = await manager({
      chains: {
        ask: async () => undefined,
        change: async (point, request) => bodyOfRequest(point, request),
        async postPull(snapshotter, image) {
          assert.deepEqual([snapshotter, image.reference, image.platform], ["overlayfs", "layers:1", "linux/amd64"]);
          assert.equal(await image.isUnpacked("overlayfs"), true);
          assert.equal(await image.isUnpacked("native"), false);
          if (refuse) throw conflict('plugin "lazy" at image.postPull: no');
          await image.unpack("native");
        },
      },
    });
    await assert.rejects(pull(images, "layers:1"), { message: 'plugin "lazy" at image.postPull: no' });
    await collect();
    assert.deepEqual(await images.list(everything), []);
    assert.equal((await left()).content, 8);
    refuse = false;
    const lines = await pull(images, "layers:1");
    assert.equal(lines.filter(({ status }) => status === "Already exists").length, 6);
    for (const lease of await containerd.client.leases.list()) await containerd.client.leases.delete(lease.id, { sync: true });
    assert.equal(
      (await containerd.client.snapshots("native").list()).length,
      6,
      "the second snapshotter's snapshots are held by the image",
    );
  });

  test("what is not there is said in Docker's words", async () => {
    const images = await manager();
    await assert.rejects(pull(images, "busybox:none"), {
      kind: "notFound",
      message: "manifest for busybox:none not found: manifest unknown: manifest unknown",
    });
    await assert.rejects(pull(images, `${registry.host}/no/such:1`), { kind: "notFound" });
    await assert.rejects(pull(images, "localhost:1/x:latest"), {
      kind: "internal",
      message: /^Get "http:\/\/localhost:1\/v2\/": dial tcp (127\.0\.0\.1|\[::1\]):1: connect: connection refused$/,
    });
    await assert.rejects(images.inspect("nothing"), { kind: "notFound", message: "No such image: nothing:latest" });
    assert.deepEqual(await left(), nothing);
  });

  test("a registry with TLS is trusted by the certificate its folder names, and by no other", async () => {
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=registry", "-addext", "subjectAltName=IP:127.0.0.1"];
    const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-keyout", key, "-out", certificate, ...subject];
    execFileSync("openssl", made, { stdio: "pipe" });
    const proxy = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (incoming, outgoing) => {
      const { method, url, headers } = incoming;
      const forward = request(`http://${registry.host}${url}`, { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(forward);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    try {
      // A listening TCP server has an address with a port.
      const { port } = proxy.address() as AddressInfo;
      const configure = (...lines: string[]): void => {
        mkdirSync(join(folder, "certs.d", "secure.test"), { recursive: true });
        writeFileSync(
          join(folder, "certs.d", "secure.test", "hosts.toml"),
          [`server = "https://127.0.0.1:${port}"`, ...lines].join("\n"),
        );
      };
      const images = await manager();
      configure();
      await assert.rejects(pull(images, "secure.test/library/busybox:latest"), {
        message: `Get "https://127.0.0.1:${port}/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
      });
      configure(`ca = "${certificate}"`);
      await pull(images, "secure.test/library/busybox:latest");
      configure("skip_verify = true");
      await pull(images, "secure.test/library/layers:1");
      assert.deepEqual((await images.list(everything)).flatMap(({ RepoTags }) => RepoTags).sort(), [
        "secure.test/library/busybox:latest",
        "secure.test/library/layers:1",
      ]);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  test("archives load however they are compressed", async () => {
    execFileSync("gzip", ["-k", join(folder, "busybox.tar")]);
    execFileSync("zstd", ["-q", "-k", join(folder, "busybox.tar")]);
    execFileSync("bzip2", ["-k", join(folder, "busybox.tar")]);
    execFileSync("xz", ["-0", "-k", join(folder, "busybox.tar")]);
    for (const file of ["busybox.tar", "busybox.tar.gz", "busybox.tar.zst", "busybox.tar.bz2", "busybox.tar.xz"]) {
      const images = await manager();
      assert.deepEqual(await load(images, file), ["Loaded image: busybox:latest\n"], file);
      await collect();
      assert.match(await readInImage(images, "busybox", "etc/passwd"), /^root:/);
      await images.remove("busybox", gently);
      assert.deepEqual(await left(), nothing);
    }
  });

  test("layers in archives may be compressed, and shared by links", async () => {
    const work = join(folder, "links");
    mkdirSync(work);
    execFileSync("tar", ["-C", work, "-xf", join(folder, "layers.tar")]);
    const manifest = JSON.parse(readFileSync(join(work, "manifest.json"), "utf8")) as { Layers: string[] }[];
    const [item] = manifest;
    assert.ok(item);
    execFileSync("gzip", ["layer-0.tar"], { cwd: work });
    execFileSync("zstd", ["-q", "--rm", "layer-1.tar"], { cwd: work });
    mkdirSync(join(work, "deep"));
    execFileSync("ln", ["-s", "../layer-2.tar", "deep/layer.tar"], { cwd: work });
    item.Layers.splice(0, 3, "layer-0.tar.gz", "layer-1.tar.zst", "deep/layer.tar");
    writeFileSync(join(work, "manifest.json"), JSON.stringify(manifest));
    execFileSync("tar", ["-C", work, "-cf", join(folder, "links.tar"), "."]);
    const images = await manager();
    assert.deepEqual(await load(images, "links.tar"), ["Loaded image: layers:1\n"]);
    for (const layer of [0, 1, 2, 5]) assert.equal(await readInImage(images, "layers:1", `layer-${layer}`), `${layer} amd64`);
  });

  test("what is saved loads again, here and in other tools", async () => {
    const images = await manager();
    await pull(images, "layers:1");
    await load(images, "busybox.tar");
    const before = await images.inspect("layers:1");
    await save(images, "saved.tar", "layers:1", "busybox");
    await save(images, "again.tar", "layers:1", "busybox");
    execFileSync("cmp", [join(folder, "saved.tar"), join(folder, "again.tar")]);
    // skopeo reads manifests of Docker's own media type from the one format only.
    for (const source of [
      `docker-archive:${join(folder, "saved.tar")}:layers:1`,
      `oci-archive:${join(folder, "saved.tar")}:latest`,
    ]) {
      assert.match(execFileSync("skopeo", ["inspect", "--config", source], { encoding: "utf8" }), /2024-0[12]-0[12]/, source);
    }
    for (const ref of ["layers:1", "busybox"]) await images.remove(ref, gently);
    assert.deepEqual(await left(), nothing);
    assert.deepEqual((await load(images, "saved.tar")).sort(), ["Loaded image: busybox:latest\n", "Loaded image: layers:1\n"]);
    assert.equal((await images.inspect("layers:1")).Id, before.Id);
    assert.equal(await readInImage(images, "layers:1", "layer-5"), "5 amd64");
  });

  test("hostile archives are refused and leave nothing", async () => {
    const work = join(folder, "hostile");
    mkdirSync(join(work, "blobs/sha256"), { recursive: true });
    const digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    writeFileSync(join(work, "oci-layout"), "{}");
    writeFileSync(
      join(work, "index.json"),
      JSON.stringify({
        schemaVersion: 2,
        manifests: [{ mediaType: "application/vnd.oci.image.manifest.v1+json", digest: `sha256:${digest}`, size: 5 }],
      }),
    );
    writeFileSync(join(work, "evil"), "x");
    const make = (...args: string[]): void =>
      void execFileSync("tar", ["-C", work, "-P", "-cf", join(folder, "hostile.tar"), ...args]);
    const refusals: [string[], RegExp][] = [
      [["--transform", "s,evil,../../etc/evil,", "evil"], /points outside the archive/],
      [["--transform", "s,evil,/etc/evil,", "evil"], /points outside the archive/],
      [["oci-layout", "index.json"], /blob sha256:e3b0c442.* is missing/],
      [
        ["oci-layout", "index.json", "--transform", `s,evil,blobs/sha256/${digest},`, "evil"],
        /does not have the digest it is named by/,
      ],
      [["evil"], /neither index.json and oci-layout nor manifest.json/],
    ];
    const images = await manager();
    for (const [args, message] of refusals) {
      make(...args);
      await assert.rejects(load(images, "hostile.tar"), { kind: "invalidArgument", message });
      assert.deepEqual(await left(), nothing, String(args));
    }
    writeFileSync(join(folder, "hostile.tar"), "this is no tar".repeat(100));
    await assert.rejects(load(images, "hostile.tar"), { kind: "invalidArgument" });
    writeFileSync(join(folder, "hostile.tar"), readFileSync(join(folder, "busybox.tar")).subarray(0, 700_000));
    await assert.rejects(load(images, "hostile.tar"), { kind: "invalidArgument" });
    assert.deepEqual(await left(), nothing);
  });

  test("a push that breaks goes on with the byte up to which the registry has each layer", async () => {
    await using fake = await FakeRegistry.start();
    const images = await manager();
    await load(images, "layers.tar");
    const { Id } = await images.inspect("layers:1");
    const name = `${fake.host}/layers`;
    await images.tag("layers:1", { repository: name });
    fake.interceptors.push(breaksAt(fake, 1_000_000, 1, 1_999_999, 65_536, 0, 700_000, 300_000));
    const lines: JsonMessage[] = [];
    await images.push({ reference: name, tag: "latest" }, (line) => lines.push(line), forever);
    assert.equal(lines.filter(({ status }) => status === "Pushed").length, 6);
    assert.deepEqual([...fake.uploads.open], []);
    assert.equal((await left()).leases, 0);
    for (const { digest, labels } of await containerd.client.content.list()) {
      const isManifest = fake.manifest(digest) !== undefined;
      assert.equal(labels[`containerd.io/distribution.source.${fake.host}`], isManifest ? undefined : "layers");
    }
    await images.remove(Id, { force: true, noPrune: false });
    await pull(images, `${name}:latest`);
    assert.equal((await images.inspect(name)).Id, Id);
    assert.equal(await readInImage(images, name, "layer-5"), "5 amd64");
  });
});
