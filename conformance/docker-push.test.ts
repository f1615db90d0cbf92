/** Pushes with the docker CLI to real registries on loopback, looked at with skopeo and pulled again. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeLayeredArchive } from "../integration/harness/layered-image.ts";
import { run } from "../integration/harness/daemon.ts";
import { printed } from "../integration/harness/printed.ts";
import { annSecret, Registry } from "../integration/harness/registry.ts";
import { sharedDaemon } from "../integration/harness/shared-daemon.ts";

const { daemon, scratch } = await sharedDaemon("push");

const docker = (...args: string[]): Promise<string> => printed(daemon, "docker", ...args);

const archive = join(scratch, "app.tar");
makeLayeredArchive(archive, { name: "app:1", layers: 7, bytesPerLayer: 300_000 });
await daemon.load(archive);

/** Digest of a reference in a registry, asked by another client. */
async function digestThere(reference: string): Promise<string> {
  const args = ["inspect", "--tls-verify=false", "--no-tags", "--format", "{{.Digest}}", `docker://${reference}`];
  const { code, stdout, stderr } = await run("skopeo", args);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

const count = (text: string, words: RegExp): number => text.match(new RegExp(words, "gm"))?.length ?? 0;

test("what is pushed has the same digest there and when it is pulled; a second push sends nothing, another repository mounts it", async () => {
  await using registry = await Registry.start();
  const [app, other] = [`${registry.host}/team/app`, `${registry.host}/other/app`];
  for (const name of [`${app}:v1`, `${other}:v1`]) await docker("tag", "app:1", name);
  const first = await docker("push", `${app}:v1`);
  const digest = /^v1: digest: (sha256:[0-9a-f]{64}) size: \d+$/m.exec(first)?.[1];
  assert.match(first, new RegExp(`^The push refers to repository \\[${app}\\]\n[0-9a-f]{12}: Preparing\n`));
  assert.equal(count(first, /: Pushed$/m), 7, first);
  assert.equal(await digestThere(`${app}:v1`), digest);
  assert.equal(await docker("inspect", "-f", '{{join .RepoDigests " "}}', `${app}:v1`), `${app}@${digest}`);
  assert.equal(count(await docker("push", `${app}:v1`), /: Layer already exists$/m), 7);
  assert.equal(count(await docker("push", `${other}:v1`), /: Mounted from team\/app$/m), 7);

  const id = await docker("inspect", "-f", "{{.Id}}", "app:1");
  await docker("rmi", "-f", id);
  const pulled = await docker("pull", `${app}:v1`);
  assert.match(pulled, new RegExp(`Digest: ${digest}`));
  assert.equal(await docker("inspect", "-f", "{{.Id}}", `${app}:v1`), id);
  await docker("tag", `${app}:v1`, "app:1");
  await docker("rmi", `${app}:v1`);
});

test("push -a pushes all tags of a repository, one event tells of it, and -q the name alone", async () => {
  await using registry = await Registry.start();
  const app = `${registry.host}/app`;
  for (const tag of ["1", "2"]) await docker("tag", "app:1", `${app}:${tag}`);
  const before = Date.now();
  assert.equal(count(await docker("push", "-a", app), /^[12]: digest: sha256:/m), 2);
  assert.equal(await docker("push", "-q", `${app}:1`), `${app}:1`);
  assert.equal(await digestThere(`${app}:1`), await digestThere(`${app}:2`));
  const window = ["--since", `${before / 1000}`, "--until", `${Date.now() / 1000 + 1}`];
  const told = await docker(
    "events",
    ...window,
    "--filter",
    "event=push",
    "--format",
    "{{.Actor.ID}} {{.Actor.Attributes.name}}",
  );
  assert.deepEqual(told.split("\n"), [`${app} ${app}`, `${app}:1 ${app}`]);
  await docker("rmi", `${app}:1`, `${app}:2`);
});

test("a registry that asks who it is gets name and password of a login, and nobody else does", async () => {
  await using registry = await Registry.start({ htpasswd: annSecret });
  const name = `${registry.host}/app:1`;
  await docker("tag", "app:1", name);
  const push = async (auth?: string): Promise<{ code: number; stderr: string; stdout: string }> => {
    const folder = join(scratch, `config-${auth ?? "none"}`);
    mkdirSync(folder, { recursive: true });
    const auths = auth === undefined ? {} : { [registry.host]: { auth: Buffer.from(auth).toString("base64") } };
    writeFileSync(join(folder, "config.json"), JSON.stringify({ auths }));
    return daemon.docker("--config", folder, "push", name);
  };
  assert.match((await push()).stderr, /no basic auth credentials/);
  assert.match((await push("ann:wrong")).stderr, /unauthorized: authentication required/);
  const { code, stdout, stderr } = await push("ann:secret");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^1: digest: sha256:/m);
  const folder = join(scratch, "config-ann:secret");
  const ours = await daemon.pouch("--config", folder, "push", name);
  assert.equal(ours.code, 0, ours.stderr);
  assert.equal(count(ours.stdout, /: Layer already exists$/m), 7);
  assert.doesNotMatch(daemon.log, /secret|YW5uOnNlY3JldA/);
  await docker("rmi", name);
});

test("what is not here is said in dockerd's words, and so is a registry that is not there", async () => {
  for (const [name, words] of [
    ["127.0.0.1:1/none", /^An image does not exist locally with the tag: 127\.0\.0\.1:1\/none$/m],
    ["app:9", /^tag does not exist: app:9$/m],
  ] as const) {
    const { code, stderr } = await daemon.docker("push", name);
    assert.equal(code, 1);
    assert.match(stderr, words);
  }
  await docker("tag", "app:1", "127.0.0.1:1/app");
  assert.match(
    (await daemon.docker("push", "127.0.0.1:1/app")).stderr,
    /^Get "http:\/\/127\.0\.0\.1:1\/v2\/": dial tcp .*connection refused$/m,
  );
  await docker("rmi", "127.0.0.1:1/app");
});

test("of an image for several platforms all goes that is here, and the client is told what did not", async () => {
  await using registry = await Registry.start();
  const copy = (...args: string[]): Promise<unknown> => run("skopeo", ["copy", "-q", "--dest-tls-verify=false", ...args]);
  for (const architecture of ["amd64", "arm64"]) {
    const file = join(scratch, `${architecture}.tar`);
    makeLayeredArchive(file, { name: "multi:1", layers: 1, bytesPerLayer: 1000, architecture });
    await copy(`docker-archive:${file}`, `docker://${registry.host}/multi:${architecture}`);
  }
  const described = async (architecture: string): Promise<object> => {
    const accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
    const answer = await fetch(`http://${registry.host}/v2/multi/manifests/${architecture}`, { headers: { accept } });
    const size = (await answer.arrayBuffer()).byteLength;
    const [mediaType, digest] = [answer.headers.get("content-type"), answer.headers.get("docker-content-digest")];
    return { mediaType, digest, size, platform: { os: "linux", architecture } };
  };
  const mediaType = "application/vnd.docker.distribution.manifest.list.v2+json";
  const manifests = await Promise.all(["amd64", "arm64"].map(described));
  const list = JSON.stringify({ schemaVersion: 2, mediaType, manifests });
  const url = `http://${registry.host}/v2/multi/manifests/all`;
  assert.equal((await fetch(url, { method: "PUT", body: list, headers: { "content-type": mediaType } })).status, 201);

  const [from, to] = [`${registry.host}/multi:all`, `${registry.host}/pushed:all`];
  await docker("pull", "--platform", "linux/amd64", from);
  await docker("tag", from, to);
  const some = await daemon.pouch("push", to);
  assert.match(some.stderr, /its index sha256:\w+ was not pushed, but the image sha256:\w+/);
  await docker("pull", "--platform", "linux/arm64", from);
  await docker("tag", from, to);
  assert.equal((await daemon.pouch("push", to)).stderr, "");
  const pushed = await fetch(`http://${registry.host}/v2/pushed/manifests/all`, { headers: { accept: mediaType } });
  assert.equal(await pushed.text(), list);
});
