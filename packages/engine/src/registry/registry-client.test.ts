import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { FakeRegistry, refuse, type SeenRequest } from "./testing/fake-registry.ts";
import { imageRoom } from "../images/testing/image-room.ts";

const amd64 = { os: "linux", architecture: "amd64" };

/** Makes the registry demand a token, which it hands out itself; returns what the token server was asked. */
function demandToken(registry: FakeRegistry, mayPull: (authorization: string | undefined) => boolean): URLSearchParams[] {
  const asked: URLSearchParams[] = [];
  registry.interceptors.push((request, response) => {
    if (request.path === "/token") {
      asked.push(request.query);
      if (mayPull(request.authorization)) response.end(JSON.stringify({ token: "secret-token" }));
      else refuse(response, 401, "UNAUTHORIZED", "incorrect username or password");
      return true;
    }
    if (request.authorization === "Bearer secret-token") return false;
    const challenge = `Bearer realm="http://${registry.host}/token",service="the, service",scope="repository:app:pull"`;
    refuse(response, 401, "UNAUTHORIZED", "authentication required", { "www-authenticate": challenge });
    return true;
  });
  return asked;
}

test("a token is fetched once, anonymously, and used for everything", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a", "b"], amd64, "1");
  const asked = demandToken(registry, () => true);
  const room = await imageRoom();
  await room.pull(`${registry.host}/app:1`);
  assert.equal(asked.length, 1);
  assert.equal(asked[0]?.get("service"), "the, service");
  assert.equal(asked[0]?.get("scope"), "repository:app:pull");
});

test("credentials go to the token server, and its refusal is told", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a"], amd64, "1");
  const right = `Basic ${Buffer.from("me:secret").toString("base64")}`;
  demandToken(registry, (authorization) => authorization === right);
  const room = await imageRoom();
  await room.pull(`${registry.host}/app:1`, { auth: { username: "me", password: "secret" } });
  await room.pull(`${registry.host}/app:1`, { auth: { auth: Buffer.from("me:secret").toString("base64") } });
  await assert.rejects(room.pull(`${registry.host}/app:1`, { auth: { username: "me", password: "wrong" } }), {
    kind: "internal",
    message: "unauthorized: incorrect username or password",
  });
});

test("a token server's answer that is too much work to read is refused", async () => {
  await using registry = await FakeRegistry.start();
  registry.interceptors.push(({ path }, response) => {
    if (path === "/token") response.end(`{"token":"x","y":[${"0,".repeat(20_000)}0]}`);
    return path === "/token";
  });
  demandToken(registry, () => true);
  const room = await imageRoom();
  await assert.rejects(room.pull(`${registry.host}/app:1`), { message: "the token server's answer has more than 20000 values" });
});

test("basic authentication is answered, and its lack said in Docker's words", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a"], amd64, "1");
  registry.interceptors.push(({ authorization }, response) => {
    if (authorization === `Basic ${Buffer.from("me:secret").toString("base64")}`) return false;
    refuse(response, 401, "UNAUTHORIZED", "authentication required", { "www-authenticate": 'Basic realm="x"' });
    return true;
  });
  const room = await imageRoom();
  await assert.rejects(room.pull(`${registry.host}/app:1`), { message: "no basic auth credentials" });
  await room.pull(`${registry.host}/app:1`, { auth: { username: "me", password: "secret" } });
});

test("a login is checked by the token flow and by basic authentication", async () => {
  await using registry = await FakeRegistry.start();
  const right = `Basic ${Buffer.from("me:secret").toString("base64")}`;
  const asked = demandToken(registry, (authorization) => authorization === right);
  registry.interceptors.push(({ path }, response) => {
    if (path === "/v2/") response.end("{}");
    return path === "/v2/";
  });
  const { images } = await imageRoom();
  const me = { username: "me", serveraddress: registry.host };
  assert.deepEqual(await images.checkAuth({ ...me, password: "secret" }), { Status: "Login Succeeded", IdentityToken: "" });
  assert.equal(asked[0]?.has("scope"), false);
  await assert.rejects(images.checkAuth({ ...me, password: "wrong" }), {
    kind: "unauthenticated",
    message: /unauthorized: incorrect username or password/,
  });
  registry.interceptors.unshift(({ authorization }, response) => {
    if (authorization === right) return false;
    response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    return true;
  });
  await assert.rejects(images.checkAuth({ ...me, password: "wrong" }), { kind: "unauthenticated" });
});

test("a repository one may not read is denied as Docker says it", async () => {
  await using registry = await FakeRegistry.start();
  registry.interceptors.push((_request, response) => {
    refuse(response, 403, "DENIED", "requested access to the resource is denied");
    return true;
  });
  const room = await imageRoom();
  await assert.rejects(room.pull(`${registry.host}/secret/app`), {
    kind: "notFound",
    message: `pull access denied for ${registry.host}/secret/app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
  });
});

test("what a registry says is cut, and cannot hold up who masks it", async () => {
  await using registry = await FakeRegistry.start();
  const blanks = " ".repeat(60_000);
  registry.interceptors.push((_request, response) => {
    refuse(response, 400, "UNSUPPORTED", `authorization:${blanks},`);
    return true;
  });
  const room = await imageRoom();
  const said = `unsupported: authorization:${blanks},`;
  await assert.rejects(room.pull(`${registry.host}/app:1`), {
    message: `${said.slice(0, 1024)}… (cut: the registry's message has ${said.length} characters)`,
  });
});

test("a redirect to another host takes no credentials along", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a"], amd64, "1");
  const layer = registry.addBlob("a");
  const seen: (string | undefined)[] = [];
  const store = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end("a");
  });
  await new Promise<void>((resolve) => store.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an address with a port.
  const { port } = store.address() as AddressInfo;
  demandToken(registry, () => true);
  registry.interceptors.push(({ path }, response) => {
    if (!path.endsWith(layer.digest)) return false;
    response.writeHead(307, { location: `http://127.0.0.1:${port}/signed?key=1` }).end();
    return true;
  });
  try {
    const room = await imageRoom();
    await room.pull(`${registry.host}/app:1`);
    assert.deepEqual(seen, [undefined]);
  } finally {
    store.closeAllConnections();
    store.close();
  }
});

test("headers of hosts.toml are for the host they are written for, and for nobody it redirects to", async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headersDistinct["x-api-key"]?.join());
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  await using registry = await FakeRegistry.start();
  registry.interceptors.push(({ path, body }, response) => {
    seen.push(`of its own: ${body.headersDistinct["x-api-key"]?.join()}`);
    response.writeHead(302, { location: `http://127.0.0.1:${port}${path}` }).end();
    return true;
  });
  const certsDirectory = mkdtempSync(join(tmpdir(), "pouch-certs-"));
  try {
    mkdirSync(join(certsDirectory, "example.test"));
    const toml = [`server = "http://${registry.host}"`, "[header]", `x-api-key = "key"`];
    writeFileSync(join(certsDirectory, "example.test", "hosts.toml"), toml.join("\n"));
    const room = await imageRoom({ certsDirectory });
    await assert.rejects(room.pull("example.test/app:1"));
    await assert.rejects(room.images.checkAuth({ username: "me", password: "secret", serveraddress: "example.test" }));
    assert.deepEqual(new Set(seen), new Set(["of its own: key", undefined]));
  } finally {
    rmSync(certsDirectory, { recursive: true });
    server.closeAllConnections();
    server.close();
  }
});

test("a token server's redirect takes no refresh token to another host", async () => {
  await using registry = await FakeRegistry.start();
  await using thief = await FakeRegistry.start();
  registry.addImage(["a"], amd64, "1");
  registry.interceptors.push(({ path }, response) => {
    if (path === "/token") response.writeHead(307, { location: `http://${thief.host}/token` }).end();
    return path === "/token";
  });
  demandToken(registry, () => true);
  const room = await imageRoom();
  await assert.rejects(room.pull(`${registry.host}/app:1`, { auth: { identitytoken: "refresh" } }), {
    message: `Post "http://${registry.host}/token": redirected to http://${thief.host}: what it sends is for the origin that was asked, and no other`,
  });
  assert.deepEqual(thief.requests, []);
});

/** Somebody to whom a registry redirects, who wants a proof of who asks sent to himself. */
async function thiefOf(registry: FakeRegistry, redirects: (request: SeenRequest) => boolean): Promise<FakeRegistry> {
  const thief = await FakeRegistry.start();
  registry.interceptors.unshift((request, response) => {
    if (redirects(request)) response.writeHead(307, { location: `http://${thief.host}${request.path}` }).end();
    return redirects(request);
  });
  thief.interceptors.push(({ path }, response) => {
    if (path === "/token") response.end(JSON.stringify({ token: "x" }));
    else {
      const challenge = `Bearer realm="http://${thief.host}/token",service="x"`;
      refuse(response, 401, "UNAUTHORIZED", "authentication required", { "www-authenticate": challenge });
    }
    return true;
  });
  return thief;
}

for (const auth of [{ username: "me", password: "secret" }, { identitytoken: "refresh" }, { registrytoken: "token" }])
  test(`who is redirected to asks for a proof in vain: ${Object.keys(auth).at(-1)}`, async () => {
    await using registry = await FakeRegistry.start();
    registry.addImage(["a"], amd64, "1");
    const room = await imageRoom();
    await room.pull(`${registry.host}/app:1`);
    for (const [ask, redirects] of [
      [() => room.pull(`${registry.host}/app:1`, { auth }), ({ path }) => path.includes("/manifests/")],
      [() => room.push(`${registry.host}/app:1`, { auth }), ({ method }) => method === "POST"],
      [() => room.images.checkAuth({ ...auth, serveraddress: registry.host }), ({ path }) => path === "/v2/"],
    ] satisfies [() => Promise<unknown>, (request: SeenRequest) => boolean][]) {
      registry.interceptors.length = 0;
      // The layer is not there yet.
      registry.interceptors.push(({ method, path }, response) => {
        const isAsked = method === "HEAD" && path.includes("/blobs/");
        if (isAsked) response.writeHead(404).end();
        return isAsked;
      });
      await using thief = await thiefOf(registry, redirects);
      await assert.rejects(ask(), /unauthorized|authentication required|denied/);
      assert.ok(thief.requests.length > 0);
      const proofs = thief.requests.flatMap(({ path, authorization }) =>
        path === "/token" || authorization !== undefined ? [{ path, authorization }] : [],
      );
      assert.deepEqual(proofs, []);
    }
  });

test("mirrors of hosts.toml are asked first, told whose content it is, and not given credentials", async () => {
  await using mirror = await FakeRegistry.start();
  await using broken = await FakeRegistry.start();
  await using upstream = await FakeRegistry.start();
  mirror.addImage(["a"], amd64, "1");
  upstream.addImage(["u"], amd64, "only-upstream");
  broken.interceptors.push((_request, response) => (refuse(response, 403, "DENIED", "no"), true));
  const certsDirectory = mkdtempSync(join(tmpdir(), "pouch-certs-"));
  try {
    mkdirSync(join(certsDirectory, "example.test"));
    const toml = [
      `server = "http://${upstream.host}"`,
      `[host."http://${broken.host}"]`,
      `[host."http://${mirror.host}"]`,
      `capabilities = ["pull", "resolve"]`,
      `[host."http://${mirror.host}".header]`,
      `x-team = "blue"`,
    ];
    writeFileSync(join(certsDirectory, "example.test", "hosts.toml"), toml.join("\n"));
    const room = await imageRoom({ certsDirectory });
    const auth = { username: "me", password: "secret" };
    await room.pull("example.test/team/app:1", { auth });
    assert.ok(mirror.requests.length > 0);
    assert.ok(
      mirror.requests.every(({ query, authorization }) => query.get("ns") === "example.test" && authorization === undefined),
    );
    assert.equal(upstream.requests.length, 0);
    await room.pull("example.test/team/app:only-upstream", { auth });
    assert.ok(upstream.requests.every(({ query }) => !query.has("ns")));
    await assert.rejects(room.pull("example.test/team/app:none"), {
      message: "manifest for example.test/team/app:none not found: manifest unknown: manifest unknown",
    });
  } finally {
    rmSync(certsDirectory, { recursive: true });
  }
});

test("a registry nobody listens at is named with its address", async () => {
  const registry = await FakeRegistry.start();
  const { host } = registry;
  await registry[Symbol.asyncDispose]();
  const room = await imageRoom();
  await assert.rejects(room.pull(`${host}/app:1`), {
    kind: "internal",
    message: `Get "http://${host}/v2/": dial tcp ${host}: connect: connection refused`,
  });
  assert.deepEqual(room.sleeps, []);
});

test("a name without a tag brings all tags, over the pages of the registry's list", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["a"], amd64, "1", "same");
  registry.addImage(["b"], amd64, "2");
  const pages: Record<string, { tags: string[]; next?: string }> = {
    "": { tags: ["1", "same"], next: "/v2/app/tags/list?last=same&n=2" },
    same: { tags: ["2"] },
  };
  registry.interceptors.push(({ path, query }, response) => {
    if (path !== "/v2/app/tags/list") return false;
    const page = pages[query.get("last") ?? ""];
    response.writeHead(200, page?.next ? { link: `<${page.next}>; rel="next"` } : {});
    response.end(JSON.stringify({ name: "app", tags: page?.tags }));
    return true;
  });
  const room = await imageRoom();
  const lines = await room.pull(`${registry.host}/app`);
  assert.deepEqual(
    lines.flatMap(({ status, id }) => (status === "Pulling from app" ? id : [])),
    ["1", "same", "2"],
  );
  assert.deepEqual(
    lines.flatMap(({ status = "" }) => (status.startsWith("Status:") ? status : [])),
    [`Status: Downloaded newer image for ${registry.host}/app`],
  );
  const found = await room.images.list({ all: false, digests: false, sharedSize: false, filters: {} });
  assert.deepEqual(
    found.flatMap(({ RepoTags }) => RepoTags).toSorted(),
    ["1", "2", "same"].map((tag) => `${registry.host}/app:${tag}`),
  );
  assert.equal((await room.pull(`${registry.host}/app`)).at(-1)?.status, `Status: Image is up to date for ${registry.host}/app`);
});

for (const [body, message] of [
  [`{"tags":["ok","../etc"]}`, `the registry's list of tags has one that is none: "../etc"`],
  [`{"tags":"1"}`, "the registry's list of tags has none"],
  ["<html>", "the registry's list of tags is no JSON"],
  [`{"tags":[${"[],".repeat(100_000)}[]]}`, "the registry's list of tags has more than 100016 values"],
] as const)
  test(`a list of tags that is none is refused: ${body.slice(0, 30)}`, async () => {
    await using registry = await FakeRegistry.start();
    registry.interceptors.push(({ path }, response) => {
      if (path.endsWith("/tags/list")) response.end(body);
      return path.endsWith("/tags/list");
    });
    const room = await imageRoom();
    await assert.rejects(room.pull(`${registry.host}/app`), { message });
  });

test("a list of tags that leads to itself ends", async () => {
  await using registry = await FakeRegistry.start();
  registry.interceptors.push(({ path }, response) => {
    if (!path.endsWith("/tags/list")) return false;
    response.writeHead(200, { link: `<${path}?last=1>; rel="next"` });
    response.end(`{"tags":["1"]}`);
    return true;
  });
  const room = await imageRoom();
  await assert.rejects(room.pull(`${registry.host}/app`), { message: "the list of tags of app does not end" });
});
