/** Plugins that travel by a registry: pushed from one daemon, installed in others. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { digestOf, MediaType } from "../packages/oci/src/index.ts";
import { cosign } from "../packages/engine/src/plugin-host/artifact/cosign-signature.ts";
import { newSigner } from "../packages/engine/src/plugin-host/testing/signer.ts";
import { FakeRegistry, faulty } from "../packages/engine/src/registry/testing/fake-registry.ts";
import { openedRepository } from "../packages/engine/src/registry/testing/opened-repository.ts";
import { Daemon, dockerCommand, eventually, projectRoot, run, type CommandResult } from "./harness/daemon.ts";
import { Registry } from "./harness/registry.ts";
import { printed } from "./harness/printed.ts";

let author: Daemon;
let host: Daemon;
let registry: Registry;

before(async () => {
  registry = await Registry.start();
  author = await Daemon.start({ image: false });
  host = await Daemon.start();
});

after(async () => {
  await author[Symbol.asyncDispose]();
  await host[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

const pouch = (daemon: Daemon, ...args: string[]): Promise<string> => printed(daemon, "pouch", ...args);

/** Installs a version of the example plugin from a folder and pushes it; answers its digest. */
async function push(remote: string, version: string): Promise<string> {
  const folder = join(author.directory, `legacy-env-${version}`);
  cpSync(join(projectRoot, "hookplugins/legacy-env"), folder, { recursive: true });
  const file = join(folder, "package.json");
  writeFileSync(file, readFileSync(file, "utf8").replace(/"version": "[^"]*"/, `"version": "${version}"`));
  await pouch(author, "plugin", "install", "--grant-all-permissions", folder);
  const told = await pouch(author, "plugin", "push", "legacy-env", remote);
  return /digest: (sha256:\w+)/.exec(told)?.[1] ?? assert.fail(told);
}

const facts = (daemon: Daemon): Promise<string> =>
  pouch(daemon, "plugin", "inspect", "-f", "{{.PluginReference}} {{.Pouch.Version}} {{.Pouch.Digest}}", "legacy-env");

const folders = (daemon: Daemon): string[] => readdirSync(join(daemon.homeDirectory, "plugins/installed"));

const limit = (daemon: Daemon): Promise<string> =>
  pouch(
    daemon,
    "run",
    "--rm",
    "--network",
    "none",
    "-e",
    "LEGACY_MEM=64m",
    "busybox",
    "sh",
    "-c",
    "cat /sys/fs/cgroup/memory.max || cat /sys/fs/cgroup/memory/memory.limit_in_bytes",
  );

test("what one daemon pushed works in another; a reload takes a tag that has moved, and no digest moves", async () => {
  const remote = `${registry.host}/team/legacy-env:1`;
  const first = await push(remote, "1.1.0");
  const unasked = await host.pouch("plugin", "install", remote);
  assert.match(
    unasked.stderr,
    /plugin "legacy-env" is requesting privileges, .*\n - fields at container.preCreate: \[HostConfig/,
  );
  const installed = await pouch(host, "plugin", "install", "--grant-all-permissions", remote);
  assert.match(installed, /Pulling from team\/legacy-env[\s\S]*Status: Installed plugin legacy-env 1\.1\.0\nlegacy-env$/);
  assert.equal(await limit(host), String(64 * 1024 * 1024));
  assert.equal(await facts(host), `${remote} 1.1.0 ${first}`);

  const second = await push(remote, "1.2.0");
  await pouch(host, "plugin", "reload", "legacy-env");
  assert.equal(await facts(host), `${remote} 1.2.0 ${second}`);
  const pinned = `${registry.host}/team/legacy-env@${first}`;
  await pouch(host, "plugin", "install", pinned);
  await pouch(host, "plugin", "reload", "legacy-env");
  assert.equal(await facts(host), `${pinned} 1.1.0 ${first}`);
  assert.equal(await limit(host), String(64 * 1024 * 1024));
  await pouch(host, "plugin", "rm", "-f", "legacy-env");
  assert.deepEqual(folders(host), []);
});

test("docker's own client installs it and pushes it on", async () => {
  const remote = `${registry.host}/team/legacy-env:docker`;
  await push(remote, "2.0.0");
  const typed = (answer: string): Promise<CommandResult> =>
    run("sh", ["-c", `echo ${answer} | ${dockerCommand} -H unix://${host.socket} plugin install ${remote}`], {});
  const refused = await typed("n");
  assert.match(refused.stdout, / - fields at container.preCreate: \[HostConfig[^]*Do you grant the above permissions\? \[y\/N\]/);
  assert.notEqual(refused.code, 0);
  assert.deepEqual(folders(host), []);
  const installed = await typed("y");
  assert.equal(installed.code, 0, installed.stdout + installed.stderr);
  assert.equal(await limit(host), String(64 * 1024 * 1024));
  const again = await host.docker("plugin", "install", "--grant-all-permissions", remote);
  assert.match(again.stderr, /plugin legacy-env already exists/);
  assert.match(await facts(host), / 2\.0\.0 /);
  const pushed = await host.docker("plugin", "push", "legacy-env");
  assert.equal(pushed.code, 0, pushed.stdout + pushed.stderr);
  await pouch(host, "plugin", "rm", "-f", "legacy-env");
});

test("a package that breaks off, and one whose asker goes, leave nothing and the old version in force", async () => {
  await using fake = await FakeRegistry.start();
  const remote = `${fake.host}/legacy-env:1`;
  const digest = await push(remote, "3.0.0");
  await pouch(host, "plugin", "install", "-q", "--grant-all-permissions", remote);
  const before = folders(host);
  await push(remote, "3.1.0");
  const { layers } = JSON.parse(fake.manifest("1")?.bytes.toString() ?? "") as { layers: { digest: string; size: number }[] };
  const [layer = assert.fail("no layer")] = layers;
  const isLayer = ({ path, method }: { path: string; method: string }): boolean =>
    method === "GET" && path.endsWith(layer.digest);
  let stalled = 0;
  let breakOff = true;
  fake.interceptors.push(
    faulty(Infinity, isLayer, (response) => {
      response.writeHead(200, { "content-length": layer.size });
      response.write("half");
      stalled += 1;
      if (breakOff) setImmediate(() => response.destroy());
    }),
  );
  const cut = await host.pouch("plugin", "reload", "legacy-env");
  assert.notEqual(cut.code, 0);
  assert.match(cut.stderr, new RegExp(`${layer.digest}"?: .*(aborted|EOF|hang up)`));
  breakOff = false;
  const before2 = stalled;
  const asker = spawn(join(projectRoot, "bin/pouch"), ["-H", `unix://${host.socket}`, "plugin", "install", remote]);
  const ended = new Promise<number | null>((resolve) => asker.once("exit", resolve));
  await eventually("half of the package is sent", async () => stalled > before2 || undefined);
  assert.equal(folders(host).length, 2);
  asker.kill("SIGINT");
  assert.equal(await ended, 130);
  await eventually("what was brought in is gone", async () => folders(host).length === 1 || undefined);
  assert.deepEqual(folders(host), before);
  assert.equal(await facts(host), `${remote} 3.0.0 ${digest}`);
  assert.equal(await limit(host), String(64 * 1024 * 1024));
  await pouch(host, "plugin", "rm", "-f", "legacy-env");
});

test("where signatures are compulsory, a plugin comes in by the right one alone", async () => {
  const [release, stranger] = [newSigner("release"), newSigner("stranger")];
  const key = join(author.directory, "release.pub");
  writeFileSync(key, release.publicPem);
  await using strict = await Daemon.start({
    image: false,
    flags: ["--plugin-signature-keys", key, "--require-plugin-signatures"],
  });
  const remote = `${registry.host}/team/legacy-env:signed`;
  const digest = await push(remote, "4.0.0");
  using repository = await openedRepository(registry.host, "team/legacy-env");
  const sign = async (...claims: { payload: Uint8Array; signature: string }[]): Promise<void> => {
    const { signal } = new AbortController();
    const put = async (bytes: Uint8Array): Promise<{ digest: string; size: number }> => {
      const body = { sizeBytes: bytes.length, open: () => Readable.from([bytes]) };
      await repository.uploader.putBlob(digestOf(bytes), body, signal);
      return { digest: digestOf(bytes), size: bytes.length };
    };
    const layers = await Promise.all(
      claims.map(async ({ payload, signature }) => ({
        mediaType: cosign.payloadType,
        ...(await put(payload)),
        annotations: { [cosign.signatureAnnotation]: signature },
      })),
    );
    const config = { mediaType: MediaType.ociConfig, ...(await put(Buffer.from("{}"))) };
    const manifest = { schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers };
    await repository.uploader.putManifest(
      cosign.tagOf(digest),
      MediaType.ociManifest,
      Buffer.from(JSON.stringify(manifest)),
      signal,
    );
  };
  const refused = async (source: string, message: RegExp): Promise<void> => {
    const { code, stderr } = await strict.pouch("plugin", "install", source);
    assert.notEqual(code, 0);
    assert.match(stderr, message);
    assert.deepEqual(folders(strict), []);
  };
  await refused(join(projectRoot, "hookplugins/legacy-env"), /is not signed, and this daemon installs signed plugins only/);
  await refused(remote, /signatures are compulsory: there is no signature of sha256:/);
  await sign(stranger.claim(digest));
  await refused(remote, /it was made by another key than \S+release\.pub/);
  await sign(release.claim(digestOf("another")));
  await refused(remote, /release\.pub signed is the manifest sha256:/);
  await sign(stranger.claim(digest), release.claim(digest));
  await pouch(strict, "plugin", "install", "--grant-all-permissions", remote);
  assert.equal(
    await pouch(strict, "plugin", "inspect", "-f", "{{.Pouch.Signature}} {{.Pouch.State}}", "legacy-env"),
    `signed by ${key} running`,
  );
});
