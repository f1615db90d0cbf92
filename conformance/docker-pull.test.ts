/** Pulls with the docker CLI from a real registry on loopback, by a mirror of docker.io and directly. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeImageArchive } from "../hack/busybox-image.ts";
import { Daemon, run } from "../integration/harness/daemon.ts";
import { Registry } from "../integration/harness/registry.ts";

let daemon: Daemon;
let registry: Registry;
before(async () => {
  registry = await Registry.start();
  daemon = await Daemon.start({ image: false });
  registry.mirror(join(daemon.directory, "certs.d"), "docker.io");
  const archive = join(daemon.directory, "busybox.tar");
  makeImageArchive(archive, { name: "busybox:latest" });
  for (const target of ["library/busybox:latest", "team/app:v2", "team/tags:v1", "team/tags:v2"]) {
    execFileSync("skopeo", [
      "copy",
      "-q",
      "--dest-tls-verify=false",
      `docker-archive:${archive}`,
      `docker://${registry.host}/${target}`,
    ]);
  }
});
after(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
});

test("docker pull busybox comes from the mirror, with progress and digest; a second one is up to date", async () => {
  const first = await daemon.docker("pull", "busybox");
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /latest: Pulling from library\/busybox\n[0-9a-f]{12}: Pulling fs layer/);
  assert.match(
    first.stdout,
    /Digest: sha256:[0-9a-f]{64}\nStatus: Downloaded newer image for busybox:latest\ndocker.io\/library\/busybox:latest/,
  );
  const second = await daemon.docker("pull", "busybox");
  assert.match(second.stdout, /Status: Image is up to date for busybox:latest/);
  const ran = await daemon.docker("run", "--rm", "--network", "none", "busybox", "echo", "pulled");
  assert.equal(ran.stdout, "pulled\n", ran.stderr);
});

test("docker run pulls an image that is missing, from a registry on loopback over plain HTTP", async () => {
  const ran = await daemon.docker("run", "--rm", "--network", "none", `${registry.host}/team/app:v2`, "echo", "ran");
  assert.equal(ran.stdout, "ran\n", ran.stderr);
  assert.match(ran.stderr, /Unable to find image .* locally/);
  assert.match((await daemon.docker("images", "--digests")).stdout, /team\/app\s+v2\s+sha256:/);
});

test("docker pull -a brings all tags of a repository, one after the other in the registry's order", async () => {
  const name = `${registry.host}/team/tags`;
  // Debian 13's registry does not sort them.
  const listed = await fetch(`http://${registry.host}/v2/team/tags/tags/list`);
  const { tags } = (await listed.json()) as { tags: string[] };
  assert.deepEqual(tags.toSorted(), ["v1", "v2"]);
  const { code, stdout, stderr } = await daemon.docker("pull", "-a", name);
  assert.equal(code, 0, stderr);
  const digest = /Digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1];
  assert.deepEqual(
    stdout.split("\n").filter((line) => /Pulling from|Digest|Status|^127/.test(line)),
    [
      ...tags.flatMap((tag) => [`${tag}: Pulling from team/tags`, `Digest: ${digest}`]),
      `Status: Downloaded newer image for ${name}`,
      name,
    ],
  );
  assert.deepEqual((await daemon.docker("images", "--format", "{{.Tag}}", name)).stdout.trim().split("\n").toSorted(), [
    "v1",
    "v2",
  ]);
  const again = await daemon.docker("pull", "-a", name);
  assert.match(again.stdout, /Status: Image is up to date for /);
  assert.match((await daemon.docker("pull", "-a", `${registry.host}/team/none`)).stderr, /repository name not known to registry/);
});

test("an unknown tag, an unknown repository and a closed port are told apart", async () => {
  assert.match(
    (await daemon.docker("pull", `${registry.host}/team/app:v9`)).stderr,
    /manifest for 127\.0\.0\.1:\d+\/team\/app:v9 not found/,
  );
  assert.match((await daemon.docker("pull", `${registry.host}/nobody/nothing`)).stderr, /not found|access denied/);
  assert.match((await daemon.docker("pull", "127.0.0.1:1/x")).stderr, /connection refused/);
});

test("skopeo, which speaks an old API version, reads from and writes to the daemon", async () => {
  const host = `unix://${daemon.socket}`;
  const out = await run("skopeo", [
    "copy",
    "-q",
    "--src-daemon-host",
    host,
    "docker-daemon:busybox:latest",
    `oci-archive:${join(daemon.directory, "out.tar")}`,
  ]);
  assert.equal(out.code, 0, out.stderr);
  const back = await run("skopeo", [
    "copy",
    "-q",
    "--dest-daemon-host",
    host,
    `oci-archive:${join(daemon.directory, "out.tar")}`,
    "docker-daemon:back:v1",
  ]);
  assert.equal(back.code, 0, back.stderr);
  assert.match((await daemon.docker("images", "back")).stdout, /back\s+v1/);
});
