import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { JsonMessage, Plugin } from "@pouchcontainer/api";
import { EngineError } from "@pouchcontainer/errors";
import { digestOf, MediaType } from "@pouchcontainer/oci";
import { FakeRegistry, faulty, refuse } from "../../registry/testing/fake-registry.ts";
import { artifactsOf, home, hostname, type Daemon, type Home } from "../testing/manager-home.ts";
import { newSigner, type Signer } from "../testing/signer.ts";
import { ArtifactType } from "./artifact-manifest.ts";
import { cosign, type SignedClaim } from "./cosign-signature.ts";

const { signal } = new AbortController();
const quiet = (): void => undefined;
const withoutKeys = { keys: [], required: false };

/** Installs a version from its folder and pushes it; answers the digest that was told. */
async function pushed(h: Home, daemon: Daemon, remote: string, greeting: string): Promise<string> {
  await daemon.manager.install({ reference: h.plugin("tool", { hostname: greeting }) });
  const lines: JsonMessage[] = [];
  await daemon.manager.push("tool", { remote }, (line) => void lines.push(line), signal);
  const told = lines.findLast(({ aux }) => aux !== undefined)?.aux as { Digest: string };
  return told.Digest;
}

/** The plugin has one folder, and nothing else is left beside it. */
function assertOneFolder(h: Home): void {
  assert.equal(readdirSync(join(h.root, "installed")).length, 1);
}

const facts = async ({ manager }: Daemon): Promise<Partial<Plugin>> => manager.inspect("tool");

test("what one daemon pushes another installs, under its digest, and pushes as the same again", async (t) => {
  await using registry = await FakeRegistry.start();
  const [author, host] = [home(t), home(t)];
  const [from, to] = [await author.daemon(), await host.daemon()];
  const remote = `${registry.host}/team/tool:1`;
  const digest = await pushed(author, from, remote, "from-afar");
  assertOneFolder(author);

  const lines: JsonMessage[] = [];
  const names: string[] = [];
  const named = (name: string): void => void names.push(name);
  await to.manager.pull({ remote, enable: true, named }, (line) => void lines.push(line), signal);
  assert.equal(await hostname(to), "from-afar");
  assert.deepEqual(names, ["tool"]);
  const { PluginReference, Pouch } = await facts(to);
  assert.equal(PluginReference, remote);
  assert.equal(Pouch?.Digest, digest);
  assert.equal(Pouch?.Signature, null);
  const states = lines.map(({ status }) => status);
  assert.equal(states[0], "Pulling from team/tool");
  assert.ok(states.includes(`Digest: ${digest}`) && states.includes("Downloading") && states.includes("Download complete"));
  assert.equal(states.at(-1), "Status: Installed plugin tool 1.0.0");
  assertOneFolder(host);

  registry.requests.length = 0;
  await to.manager.push("tool", {}, quiet, signal);
  assert.deepEqual(
    registry.requests.filter(({ method }) => method === "POST"),
    [],
    "all of it is there",
  );
  assert.equal(digestOf(registry.manifest("1")?.bytes ?? ""), digest);
  await to.close();
  const again = await host.daemon();
  assert.equal((await facts(again)).Pouch?.Digest, digest, "also after a restart");
});

const asks = { permissions: { fields: { "container.preCreate": ["Hostname"] } } };

test("a registry tells what a plugin asks for without its package, and a pull and a reload are held against that", async (t) => {
  await using registry = await FakeRegistry.start();
  const [author, host] = [home(t), home(t)];
  const [from, to] = [await author.daemon(), await host.daemon()];
  const remote = `${registry.host}/tool:1`;
  const push = async (pouch: Record<string, unknown>): Promise<void> => {
    await from.manager.install({ reference: author.plugin("tool", { pouch }) }, { privileges: "all" });
    await from.manager.push("tool", { remote }, quiet, signal);
  };
  await push(asks);
  registry.requests.length = 0;
  const privileges = await to.manager.pullPrivileges({ remote }, signal);
  assert.deepEqual(
    privileges.map(({ Name, Value }) => [Name, ...Value]),
    [
      ["fields at container.preCreate", "Hostname"],
      ["user", "root"],
    ],
  );
  assert.equal(registry.requests.filter(({ path }) => path.includes("/blobs/")).length, 1, "its config alone");
  const pull = { remote, enable: true };
  const refused = { kind: "forbidden", message: /not granted: fields at container\.preCreate: \[Hostname\];/ };
  await assert.rejects(to.manager.pull(pull, quiet, signal), refused);
  await assert.rejects(to.manager.inspect("tool"), { kind: "notFound" });
  await to.manager.pull({ ...pull, privileges }, quiet, signal);
  assert.equal(await hostname(to), "tool");
  assert.deepEqual(await to.manager.pullPrivileges({ remote }, signal), [], "it was granted");

  await push({ permissions: { ...asks.permissions, hooks: true } });
  await assert.rejects(to.manager.reload("tool"), { kind: "forbidden", message: /not granted: hooks: \[true\];/ });
  await to.manager.reload("tool", undefined, { privileges: "all" });
  assertOneFolder(host);
});

test("an artifact whose config asks for other privileges than its package is refused, whatever is granted, with both", async (t) => {
  await using registry = await FakeRegistry.start();
  const [author, host] = [home(t), home(t)];
  const [from, to] = [await author.daemon(), await host.daemon()];
  const remote = `${registry.host}/tool:1`;
  for (const [pouch, beside, inside] of [
    [
      { permissions: { ...asks.permissions, hooks: true } },
      'the permissions {"fields":',
      /the permissions \{"fields":.*,"hooks":true\}/,
    ],
    [{}, 'the permissions {"fields":', /no permissions by name/],
    [{ ...asks, sharedProcess: "team-a" }, "a process of its own", /the shared process "team-a"/],
  ] as const) {
    await from.manager.install({ reference: author.plugin("tool", { pouch }) }, { privileges: "all" });
    await from.manager.push("tool", { remote }, quiet, signal);
    const manifest = JSON.parse(registry.manifest("1")?.bytes.toString() ?? "") as object;
    const told = JSON.stringify({
      name: "tool",
      version: "1.0.0",
      pouch: { api: "1", points: ["container.preCreate"], ...asks },
    });
    const config = { mediaType: ArtifactType.config, ...registry.addBlob(told) };
    registry.addManifest({ ...manifest, config }, MediaType.ociManifest, "1");
    const granted = await to.manager.pullPrivileges({ remote }, signal);
    assert.deepEqual(
      granted.map(({ Value }) => Value),
      [["Hostname"], ["root"]],
    );
    for (const privileges of [granted, "all"] as const)
      await assert.rejects(to.manager.pull({ remote, enable: true, privileges }, quiet, signal), (error) => {
        const { kind, message } = EngineError.from(error);
        assert.equal(kind, "invalidArgument");
        assert.match(message, /^the config of \S+tool:1 and its package disagree: its config asks for /);
        assert.ok(message.includes(`its config asks for ${beside}`), message);
        assert.match(message, inside);
        return true;
      });
  }
  assert.deepEqual(readdirSync(join(host.root, "installed")), []);
});

for (const [what, told, message] of [
  [
    "another user",
    { pouch: { api: "^1.0.0", points: ["container.preCreate"], user: "nobody" } },
    /disagree: its config asks for the user "nobody", the package.json in its package for the user root; whoever made it/,
  ],
  [
    "other variables of the daemon",
    { pouch: { api: "^1.0.0", points: ["container.preCreate"], environment: ["LANG"] } },
    /disagree: its config asks for the environment \["LANG"\], the package.json in its package for no environment; whoever made it/,
  ],
  [
    "another name",
    { name: "other" },
    /the config of \S+tool:1 and its package disagree: .* plugin "other" "1.0.0", its package is plugin "tool"/,
  ],
  [
    "another version",
    { version: "2.0.0" },
    /config is that of plugin "tool" "2.0.0", its package is plugin "tool" "1.0.0"; whoever made it/,
  ],
  [
    "no version",
    { version: undefined },
    /config is that of plugin "tool" without a version, its package is plugin "tool" "1.0.0"/,
  ],
  ["more than anyone reads", { pouch: Array(30_000).fill(0) }, /tool:1 is not a plugin: its config has more than 20000 values$/],
] as const)
  test(`an artifact whose config has ${what} is refused`, async (t) => {
    await using registry = await FakeRegistry.start();
    const [author, host] = [home(t), home(t)];
    const [from, to] = [await author.daemon(), await host.daemon()];
    const remote = `${registry.host}/tool:1`;
    await from.manager.install({ reference: author.plugin("tool") }, { enable: false });
    await from.manager.push("tool", { remote }, quiet, signal);
    const manifest = JSON.parse(registry.manifest("1")?.bytes.toString() ?? "") as object;
    const pouch = { api: "^1.0.0", points: ["container.preCreate"] };
    const config = { name: "tool", version: "1.0.0", pouch, ...told };
    const blob = registry.addBlob(JSON.stringify(config));
    registry.addManifest({ ...manifest, config: { mediaType: ArtifactType.config, ...blob } }, MediaType.ociManifest, "1");
    await assert.rejects(to.manager.install({ reference: remote }), (error: EngineError) => {
      assert.equal(error.kind, "invalidArgument");
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(readdirSync(join(host.root, "installed")), []);
  });

test("a reload pulls a tag that has moved, and a digest again as it is", async (t) => {
  await using registry = await FakeRegistry.start();
  const [author, host] = [home(t), home(t)];
  const [from, to] = [await author.daemon(), await host.daemon()];
  const remote = `${registry.host}/tool:1`;
  const first = await pushed(author, from, remote, "first");
  await to.manager.install({ reference: remote });
  const second = await pushed(author, from, remote, "second");
  assert.equal(await hostname(to), "first");
  await to.manager.reload("tool");
  assert.equal(await hostname(to), "second");
  assert.equal((await facts(to)).Pouch?.Digest, second);
  await to.manager.install({ reference: `${remote}@${first}` });
  assert.equal((await facts(to)).PluginReference, `${registry.host}/tool@${first}`);
  await pushed(author, from, remote, "third");
  await to.manager.reload("tool");
  assert.equal(await hostname(to), "first");
  await assert.rejects(to.manager.push("tool", {}, quiet, signal), /is pushed to REGISTRY\/NAME:TAG, ".*" has a digest/);
  assertOneFolder(host);
});

test("packages that a plugin depends on go with it: npm is not asked", async (t) => {
  await using registry = await FakeRegistry.start();
  const [author, host] = [home(t), home(t)];
  const [from, to] = [await author.daemon(), await host.daemon()];
  const folder = author.plugin("tool");
  const packageJson = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as object;
  const dependencies = { "nowhere-to-be-found-on-npm": "1.0.0" };
  await from.manager.install({ reference: folder });
  const installed = join(author.root, "installed", readdirSync(join(author.root, "installed"))[0] ?? "");
  writeFileSync(join(installed, "package.json"), JSON.stringify({ ...packageJson, dependencies }));
  mkdirSync(join(installed, "node_modules/nowhere-to-be-found-on-npm"), { recursive: true });
  writeFileSync(join(installed, "node_modules/nowhere-to-be-found-on-npm/package.json"), "{}");
  await from.manager.push("tool", { remote: `${registry.host}/tool:1` }, quiet, signal);
  await to.manager.install({ reference: `${registry.host}/tool:1` });
  assert.equal(await hostname(to), "tool");
});

type Fault = [what: string, registry: (registry: FakeRegistry, layer: string) => void, message: RegExp];
const faults: Fault[] = [
  [
    "a package of other bytes",
    (registry, layer) =>
      registry.interceptors.push(faulty(1, isBlob(layer), (response) => response.end(Buffer.alloc(sizeOf(registry, layer), 1)))),
    /what the registry sent as sha256:\w+ has another digest/,
  ],
  [
    "a package of more bytes than promised",
    (registry, layer) =>
      registry.interceptors.push(
        faulty(1, isBlob(layer), (response) => response.end(Buffer.alloc(sizeOf(registry, layer) + 1, 1))),
      ),
    /the registry sends more than the \d+ bytes promised/,
  ],
  [
    "a package that always breaks off",
    (registry, layer) =>
      registry.interceptors.push(
        faulty(Infinity, isBlob(layer), (response) => {
          response.writeHead(200, { "content-length": sizeOf(registry, layer) });
          response.write("half");
          setImmediate(() => response.destroy());
        }),
      ),
    /aborted|EOF|hang up/,
  ],
  [
    "a refusal",
    (registry, layer) =>
      registry.interceptors.push(faulty(1, isBlob(layer), (response) => refuse(response, 403, "DENIED", "not for you"))),
    /pull access denied for .*: denied: not for you/,
  ],
  [
    "a tag that is gone",
    (registry) =>
      registry.interceptors.push(
        faulty(
          1,
          ({ path }) => path.endsWith("/manifests/1"),
          (response) => refuse(response, 404, "MANIFEST_UNKNOWN", "no"),
        ),
      ),
    /manifest for .*tool:1 not found/,
  ],
  [
    "an image in its place",
    (registry) => void registry.addImage(["layer"], { os: "linux", architecture: "amd64" }, "1"),
    /tool:1 is not a plugin: it is an artifact of type application\/vnd\.oci\.image\.config/,
  ],
  [
    "a package that is no archive",
    (registry) => {
      const layer = registry.addBlob("no archive");
      const empty = registry.addBlob("{}");
      const document = {
        schemaVersion: 2,
        artifactType: ArtifactType.plugin,
        config: { mediaType: "application/vnd.oci.empty.v1+json", ...empty },
        layers: [{ mediaType: ArtifactType.package, ...layer }],
      };
      registry.addManifest(document, MediaType.ociManifest, "1");
    },
    /the plugin's archive cannot be unpacked/,
  ],
  [
    "a package that is said to be huge",
    (registry) => {
      const document = JSON.parse(registry.manifest("1")?.bytes.toString() ?? "") as { layers: object[] };
      const layers = document.layers.map((layer) => ({ ...layer, size: 1e12 }));
      registry.addManifest({ ...document, layers }, MediaType.ociManifest, "1");
    },
    /has a package of 1000000000000 bytes, 536870912 are the most that are fetched/,
  ],
];

const isBlob =
  (digest: string) =>
  ({ path, method }: { path: string; method: string }): boolean =>
    method === "GET" && path.endsWith(`/blobs/${digest}`);

function layerOf(registry: FakeRegistry): { digest: string; size: number } {
  const { layers } = JSON.parse(registry.manifest("1")?.bytes.toString() ?? "") as { layers: { digest: string; size: number }[] };
  return layers[0] ?? assert.fail("no layer");
}

const sizeOf = (registry: FakeRegistry, digest: string): number => {
  const layer = layerOf(registry);
  assert.equal(layer.digest, digest);
  return layer.size;
};

for (const [what, make, message] of faults)
  test(`${what} leaves nothing, and the old version in force`, async (t) => {
    await using registry = await FakeRegistry.start();
    const [author, host] = [home(t), home(t)];
    const [from, to] = [await author.daemon(), await host.daemon()];
    const remote = `${registry.host}/tool:1`;
    await pushed(author, from, remote, "old");
    await to.manager.install({ reference: remote });
    await pushed(author, from, remote, "new");
    make(registry, layerOf(registry).digest);
    await assert.rejects(to.manager.reload("tool"), { message });
    assert.equal(await hostname(to), "old");
    assertOneFolder(host);
  });

test("a pull whose asker goes in the middle leaves nothing; one that takes too long is ended", async (t) => {
  await using registry = await FakeRegistry.start();
  const [author, host] = [home(t), home(t)];
  const from = await author.daemon();
  const remote = `${registry.host}/tool:1`;
  await pushed(author, from, remote, "new");
  const layer = layerOf(registry);
  const asker = new AbortController();
  const stall = (then: () => void) =>
    faulty(1, isBlob(layer.digest), (response) => {
      response.writeHead(200, { "content-length": layer.size });
      response.write("half");
      setImmediate(then);
    });
  registry.interceptors.push(stall(() => asker.abort()));
  const to = await host.daemon();
  await assert.rejects(to.manager.pull({ remote, enable: true }, quiet, asker.signal), { kind: "cancelled" });
  assert.deepEqual(readdirSync(join(host.root, "installed")), []);
  await to.close();
  const hasty = await host.daemon({ artifacts: artifactsOf(withoutKeys, { timeoutMs: 100 }) });
  registry.interceptors.push(stall(quiet));
  await assert.rejects(hasty.manager.pull({ remote, enable: true }, quiet, signal), {
    kind: "deadlineExceeded",
    message: `${remote} took longer than 0.1 s`,
  });
  assert.deepEqual(readdirSync(join(host.root, "installed")), []);
});

test("as docker's client asks for it a pull leaves the plugin disabled, and touches none that is there", async (t) => {
  await using registry = await FakeRegistry.start();
  const [author, host] = [home(t), home(t)];
  const [from, to] = [await author.daemon(), await host.daemon()];
  const remote = `${registry.host}/tool:1`;
  await pushed(author, from, remote, "new");
  await assert.rejects(to.manager.pull({ remote, name: "other:latest" }, quiet, signal), /is plugin "tool", another name/);
  await to.manager.pull({ remote, name: "tool:latest" }, quiet, signal);
  assert.equal((await facts(to)).Enabled, false);
  await assert.rejects(to.manager.pull({ remote }, quiet, signal), { kind: "alreadyExists" });
  for (const wrong of ["Tool:1", `${registry.host}/`, "a".repeat(64)])
    await assert.rejects(to.manager.pull({ remote: wrong }, quiet, signal), /is no REGISTRY\/NAME:TAG or REGISTRY\/NAME@DIGEST/);
});

test("a push whose asker goes in the middle leaves nothing here, and no tag there", async (t) => {
  await using registry = await FakeRegistry.start();
  const author = home(t);
  const daemon = await author.daemon();
  await daemon.manager.install({ reference: author.plugin("tool") });
  const asker = new AbortController();
  const isUpload = ({ method }: { method: string }): boolean => method === "PUT";
  registry.interceptors.push(faulty(1, isUpload, () => asker.abort()));
  const remote = `${registry.host}/tool:1`;
  await assert.rejects(daemon.manager.push("tool", { remote }, quiet, asker.signal), { kind: "cancelled" });
  assertOneFolder(author);
  assert.equal(registry.manifest("1"), undefined);
});

test("a push says who may not, and what cannot be pushed", async (t) => {
  await using registry = await FakeRegistry.start();
  const author = home(t);
  const daemon = await author.daemon();
  const remote = `${registry.host}/tool:1`;
  await daemon.manager.install({ reference: author.plugin("tool") });
  const isPut = ({ method }: { method: string }): boolean => method === "POST";
  registry.interceptors.push(faulty(1, isPut, (response) => refuse(response, 403, "DENIED", "read only")));
  await assert.rejects(daemon.manager.push("tool", { remote }, quiet, signal), {
    kind: "forbidden",
    message: `push to ${registry.host}/tool refused: denied: read only`,
  });
  await assert.rejects(daemon.manager.push("tool", {}, quiet, signal), /say where the plugin is to be pushed to/);
  await assert.rejects(daemon.manager.push("compiled-in", { remote }, quiet, signal), /compiled-in is compiled into the daemon/);
  await assert.rejects(daemon.manager.push("nobody", { remote }, quiet, signal), { kind: "notFound" });
  assertOneFolder(author);
});

/** Puts signatures of a manifest where cosign puts them. */
function addSignatures(registry: FakeRegistry, manifest: string, claims: SignedClaim[]): void {
  const layers = claims.map(({ payload, signature }) => ({
    mediaType: cosign.payloadType,
    ...registry.addBlob(payload),
    annotations: { ...(signature !== undefined && { [cosign.signatureAnnotation]: signature }) },
  }));
  const config = { mediaType: MediaType.ociConfig, ...registry.addBlob("{}") };
  registry.addManifest({ schemaVersion: 2, config, layers }, MediaType.ociManifest, cosign.tagOf(manifest));
}

const release = newSigner("release.pub");
const stranger = newSigner("stranger.pub");
const signatures: [what: string, claims: (manifest: string) => SignedClaim[], refusal: RegExp | undefined][] = [
  ["the right signature", (manifest) => [release.claim(manifest)], undefined],
  ["the right one among others", (manifest) => [stranger.claim(manifest), release.claim(manifest)], undefined],
  ["none", () => [], /signatures are compulsory: there is no signature of sha256:\w+ \(tag sha256-\w+\.sig\)/],
  [
    "one of another key",
    (manifest) => [stranger.claim(manifest)],
    /signature none counts: it was made by another key than release\.pub/,
  ],
  [
    "one of another manifest",
    () => [release.claim(digestOf("another"))],
    /none counts: what release\.pub signed is the manifest sha256:/,
  ],
];

for (const [what, claims, refusal] of signatures)
  test(`with ${what} a plugin is ${refusal ? "not installed where signatures are compulsory" : "installed"}`, async (t) => {
    await using registry = await FakeRegistry.start();
    const [author, host] = [home(t), home(t)];
    const from = await author.daemon();
    const remote = `${registry.host}/tool:1`;
    const digest = await pushed(author, from, remote, "signed");
    if (claims(digest).length > 0) addSignatures(registry, digest, claims(digest));
    const strict = await host.daemon({ artifacts: artifactsOf({ keys: [release.key], required: true }) });
    const asked = strict.manager.install({ reference: remote });
    if (refusal === undefined) {
      assert.equal((await asked).Pouch?.Signature, "signed by release.pub");
      assert.equal(await hostname(strict), "signed");
    } else {
      await assert.rejects(asked, { kind: "failedPrecondition", message: refusal });
      assert.deepEqual(readdirSync(join(host.root, "installed")), []);
      assert.ok(!registry.requests.some(({ method, path }) => method === "GET" && path.endsWith(layerOf(registry).digest)));
    }
    await strict.close();
    const lax = await host.daemon({ artifacts: artifactsOf({ keys: [release.key], required: false }) });
    const { Pouch } = await lax.manager.install({ reference: remote });
    assert.match(Pouch?.Signature ?? "", refusal === undefined ? /^signed by release\.pub$/ : /^not signed: /);
  });

test("where signatures are compulsory nothing comes in that has none: a folder, an archive, npm, what npm adds", async (t) => {
  await using registry = await FakeRegistry.start();
  const [author, host] = [home(t), home(t)];
  const strict = await host.daemon({ artifacts: artifactsOf({ keys: [release.key], required: true }) });
  const folder = host.plugin("tool");
  const archive = join(host.root, "tool.tgz");
  execFileSync("tar", ["-czf", archive, "-C", folder, "."]);
  const unsigned = /is not signed, and this daemon installs signed plugins only \(--require-plugin-signatures\)/;
  for (const reference of [folder, archive, "some-npm-package"])
    await assert.rejects(strict.manager.install({ reference }), { kind: "forbidden", message: unsigned });
  await assert.rejects(strict.manager.install({ archive: createReadStream(archive) }), unsigned);
  const digest = await pushedWithDependency(author, registry, release);
  await assert.rejects(
    strict.manager.install({ reference: `${registry.host}/tool@${digest}` }),
    /what npm has of the packages that plugin "tool" depends on is not signed/,
  );
  assert.deepEqual(readdirSync(join(host.root, "installed")), []);
});

/** A signed plugin that lacks a package it depends on, as other tools may push it. */
async function pushedWithDependency(h: Home, registry: FakeRegistry, signer: Signer): Promise<string> {
  const daemon = await h.daemon();
  await daemon.manager.install({ reference: h.plugin("tool") });
  const installed = join(h.root, "installed", readdirSync(join(h.root, "installed"))[0] ?? "");
  const packageJson = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as object;
  writeFileSync(join(installed, "package.json"), JSON.stringify({ ...packageJson, dependencies: { semver: "7" } }));
  await daemon.manager.push("tool", { remote: `${registry.host}/tool:1` }, quiet, signal);
  const digest = digestOf(registry.manifest("1")?.bytes ?? "");
  addSignatures(registry, digest, [signer.claim(digest)]);
  return digest;
}
