import { conflict, internal, invalidArgument, notFound, notModified } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { TestServer } from "./testing/test-server.ts";

test("ping has the headers clients negotiate with", async () => {
  await using server = await TestServer.start({});
  const answer = await server.get("/_ping");
  assert.equal(answer.status, 200);
  assert.equal(answer.text, "OK");
  const expected = {
    "api-version": "1.51",
    "builder-version": "1",
    "cache-control": "no-cache, no-store, must-revalidate",
    "content-type": "text/plain; charset=utf-8",
    "docker-experimental": "false",
    ostype: "linux",
    pragma: "no-cache",
    server: "Pouch/1.2.3 (linux)",
    swarm: "inactive",
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(answer.headers[name], value, name);
});

test("HEAD of ping has the headers and no body", async () => {
  await using server = await TestServer.start({});
  const answer = await server.request("HEAD", "/_ping");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-length"], "0");
  assert.equal(answer.headers["api-version"], "1.51");
});

test("a ping of a daemon that cannot serve fails", async () => {
  await using server = await TestServer.start({
    system: {
      ping: async () => {
        throw internal("containerd does not answer");
      },
    },
  });
  const answer = await server.get("/_ping");
  assert.equal(answer.status, 500);
  assert.deepEqual(answer.json(), { message: "containerd does not answer" });
});

test("versions are accepted in the path, also the lowest, which skopeo sends", async () => {
  await using server = await TestServer.start({ networks: { list: async () => [] } });
  for (const prefix of ["", "/v1.22", "/v1.41", "/v1.51"])
    assert.deepEqual((await server.get(`${prefix}/networks`)).json(), [], prefix);
});

test("a version that is too old or too new is refused with Docker's words", async () => {
  await using server = await TestServer.start({});
  const old = await server.get("/v1.10/info");
  assert.equal(old.status, 400);
  assert.equal(old.headers["api-version"], "1.51");
  assert.deepEqual(old.json(), {
    message:
      "client version 1.10 is too old. Minimum supported API version is 1.22, please upgrade your client to a newer version",
  });
  const fresh = await server.get("/v1.99/info");
  assert.equal(fresh.status, 400);
  assert.deepEqual(fresh.json(), { message: "client version 1.99 is too new. Maximum supported API version is 1.51" });
});

test("an unknown route and a wrong method are a page not found", async () => {
  await using server = await TestServer.start({});
  for (const [method, path] of [
    ["GET", "/nope"],
    ["GET", "/v1.41/nope"],
    ["PUT", "/info"],
    ["HEAD", "/info"],
    ["GET", "/v1.41"],
  ] as const) {
    const answer = await server.request(method, path);
    assert.equal(answer.status, 404, `${method} ${path}`);
  }
  assert.deepEqual((await server.get("/nope")).json(), { message: "page not found" });
});

test("kinds of failure become Docker's statuses", async () => {
  const failures = {
    a: notFound("No such container: a"),
    b: conflict("in use"),
    c: invalidArgument("bad"),
    d: new Error("a bug"),
  };
  const reported: string[] = [];
  await using server = await TestServer.start(
    {
      containers: {
        inspect: async (ref) => {
          throw failures[ref as keyof typeof failures];
        },
      },
    },
    { reportFailure: ({ error, request }) => reported.push(`${request}: ${error.message}`) },
  );
  for (const [ref, status] of [
    ["a", 404],
    ["b", 409],
    ["c", 400],
    ["d", 500],
  ] as const) {
    const answer = await server.get(`/v1.41/containers/${ref}/json`);
    assert.equal(answer.status, status);
    assert.deepEqual(answer.json(), { message: failures[ref].message });
  }
  assert.deepEqual(reported, ["GET /v1.41/containers/d/json: a bug"]);
});

test("not modified has no body", async () => {
  await using server = await TestServer.start({
    containers: {
      start: async () => {
        throw notModified("already started");
      },
    },
  });
  const answer = await server.request("POST", "/containers/a/start");
  assert.equal(answer.status, 304);
  assert.equal(answer.text, "");
});

test("a body is accepted as JSON, and refused when it says something else or nothing", async () => {
  await using server = await TestServer.start({ volumes: { create: async (config) => volume(config.Name ?? "") } });
  const bare = await server.request("POST", "/volumes/create", '{"Name":"v"}');
  assert.deepEqual([bare.status, bare.json()], [400, { message: "malformed Content-Type header (): mime: no media type" }]);
  const form = await server.request("POST", "/volumes/create", "{}", { "Content-Type": "application/x-www-form-urlencoded" });
  assert.equal(form.status, 400);
  assert.deepEqual(form.json(), {
    message: "unsupported Content-Type header (application/x-www-form-urlencoded): must be 'application/json'",
  });
  const json = await server.request("POST", "/volumes/create", { Name: "v" });
  assert.deepEqual([json.status, json.json()], [201, volume("v")]);
  const charset = await server.request("POST", "/volumes/create", "{}", { "Content-Type": "application/json; charset=utf-8" });
  assert.equal(charset.status, 201);
});

test("a body that is missing, broken or of the wrong type is a 400 that says so", async () => {
  await using server = await TestServer.start({});
  const missing = await server.request("POST", "/containers/create");
  assert.equal(missing.status, 400);
  assert.deepEqual(missing.json(), { message: "invalid JSON: got EOF while reading request body" });
  const broken = await server.request("POST", "/containers/create", '{"Image":', { "Content-Type": "application/json" });
  assert.equal(broken.status, 400);
  assert.match(broken.text, /invalid JSON: /);
  const wrong = await server.request("POST", "/containers/create", { HostConfig: { Memory: "lots" } });
  assert.equal(wrong.status, 400);
  assert.deepEqual(wrong.json(), { message: 'HostConfig.Memory must be an integer, got "lots"' });
});

test("a JSON body that is too large is refused, announced or not", async () => {
  await using server = await TestServer.start({});
  const big = JSON.stringify({ Labels: { a: "x".repeat(9 * 1024 * 1024) } });
  const announced = await server.request("POST", "/volumes/create", big).catch((thrown: unknown) => thrown);
  // The server answers before it read everything; a client may see the answer or its own broken write.
  if (announced && typeof announced === "object" && "status" in announced) assert.equal(announced.status, 400);
  const chunked = server.raw(["POST /volumes/create HTTP/1.1", "Transfer-Encoding: chunked"]);
  chunked.socket.on("error", () => undefined);
  const chunk = Buffer.alloc(1024 * 1024, 32);
  for (let i = 0; i < 9; i++) {
    chunked.socket.write(`${chunk.length.toString(16)}\r\n`);
    chunked.socket.write(chunk);
    chunked.socket.write("\r\n");
  }
  await chunked.until("larger than 8 MiB");
  assert.match(chunked.text, /^HTTP\/1\.1 400 /);
  chunked.socket.destroy();
});

test("a connection goes on after an answer that came before its request's body was read, and serves the next request", async () => {
  const refuse = async (_ref: string, _path: Buffer, tar: Readable): Promise<void> => {
    for await (const _chunk of tar.iterator({ destroyOnReturn: false })) break;
    throw invalidArgument("no such thing");
  };
  await using server = await TestServer.start({ containers: { archivePut: refuse } });
  const body = Buffer.alloc(20_000_000);
  const announced = [`Content-Length: ${body.length}`, body, ""] as const;
  const chunked = [
    "Transfer-Encoding: chunked",
    Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body]),
    "\r\n0\r\n\r\n",
  ] as const;
  for (const [length, sent, end] of [announced, chunked]) {
    for (const [request, message] of [
      ["PUT /containers/c/archive?path=/", "no such thing"],
      ["POST /volumes/create", "larger than 8 MiB"],
      ["POST /nowhere", "page not found"],
    ] as const) {
      const connection = server.raw([`${request} HTTP/1.1`, length]);
      connection.socket.write(sent);
      connection.socket.write(`${end}GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n`);
      await connection.until(message);
      await connection.until("\r\n\r\nOK");
      connection.socket.destroy();
    }
  }
});

test("name and platform of a create come from the query alone", async () => {
  const created: unknown[] = [];
  await using server = await TestServer.start({
    containers: {
      create: async (config) => {
        created.push(config);
        return { Id: "x", Warnings: [] };
      },
    },
  });
  const answer = await server.request("POST", "/containers/create?name=web&platform=linux/arm64", {
    Image: "a",
    Name: "evil",
    Platform: "p",
  });
  assert.equal(answer.status, 201);
  await server.request("POST", "/containers/create", { Image: "a", Name: "evil", Snapshotter: "native" });
  assert.deepEqual(created, [
    { Image: "a", HostConfig: {}, Name: "web", Platform: "linux/arm64" },
    { Image: "a", HostConfig: {}, Snapshotter: "native" },
  ]);
});

test("a create of an old client gets the defaults it counts on", async () => {
  const seen: unknown[] = [];
  await using server = await TestServer.start({
    containers: {
      create: async ({ HostConfig }, options) => {
        seen.push(HostConfig, options);
        return { Id: "x", Warnings: [] };
      },
    },
  });
  const body = { HostConfig: { ConsoleSize: [1, 2], Annotations: { a: "b" } } };
  await server.request("POST", "/v1.39/containers/create", body);
  await server.request("POST", "/v1.51/containers/create", body);
  assert.deepEqual(seen, [
    { IpcMode: "shareable", CgroupnsMode: "host" },
    { readOnlyNonRecursive: true },
    body.HostConfig,
    { readOnlyNonRecursive: false },
  ]);
});

test("image names may have slashes, tags and digests", async () => {
  const asked: string[] = [];
  await using server = await TestServer.start({
    images: {
      history: async (ref) => {
        asked.push(ref);
        return [];
      },
      remove: async (ref) => {
        asked.push(`rm ${ref}`);
        return [{ Untagged: ref }];
      },
    },
  });
  await server.get("/v1.41/images/localhost:5000/a/b:c/history");
  await server.get("/v1.41/images/a%2Fb@sha256:00/history");
  await server.get("/images/history/history");
  await server.request("DELETE", "/images/a/b/json");
  assert.deepEqual(asked, ["localhost:5000/a/b:c", "a/b@sha256:00", "history", "rm a/b/json"]);
});

test("images have a virtual size until 1.43", async () => {
  const image = {
    Id: "sha256:0",
    ParentId: "",
    RepoTags: [],
    RepoDigests: [],
    Created: 0,
    Size: 7,
    SharedSize: -1,
    Labels: null,
    Containers: -1,
  };
  await using server = await TestServer.start({ images: { list: async () => [image] } });
  assert.deepEqual((await server.get("/v1.43/images/json")).json(), [{ ...image, VirtualSize: 7 }]);
  assert.deepEqual((await server.get("/v1.44/images/json")).json(), [image]);
});

test("a prune of volumes takes named ones only for clients before 1.42", async () => {
  const asked: unknown[] = [];
  await using server = await TestServer.start({
    volumes: {
      prune: async (filters) => {
        asked.push(filters);
        return { VolumesDeleted: [], SpaceReclaimed: 0 };
      },
    },
  });
  await server.request("POST", "/v1.41/volumes/prune");
  await server.request("POST", "/v1.42/volumes/prune");
  assert.deepEqual(asked, [{ all: ["true"] }, {}]);
});

test("the list of containers takes entries that are JSON already", async () => {
  await using server = await TestServer.start({ containers: { listJson: async () => ['{"Id":"a"}', '{"Id":"b"}'] } });
  assert.deepEqual((await server.get("/containers/json")).json(), [{ Id: "a" }, { Id: "b" }]);
});

test("the list of containers hands its query on", async () => {
  const asked: unknown[] = [];
  await using server = await TestServer.start({
    containers: {
      list: async (options) => {
        asked.push(options);
        return [];
      },
    },
  });
  await server.get("/containers/json");
  await server.get(`/containers/json?all=1&limit=5&size=true&filters=${encodeURIComponent('{"label":["a=b"]}')}`);
  await server.get(`/containers/json?all=0&limit=0&filters=${encodeURIComponent('{"label":{"a=b":true,"c":false}}')}`);
  assert.deepEqual(asked, [
    { all: false, size: false, filters: {} },
    { all: true, limit: 5, size: true, filters: { label: ["a=b"] } },
    { all: false, size: false, filters: { label: ["a=b", "c"] } },
  ]);
});

test("a bad query is a 400", async () => {
  await using server = await TestServer.start({});
  for (const [path, message] of [
    ["/containers/json?limit=x", 'the query parameter limit must be an integer, got "x"'],
    ["/containers/json?filters=x", 'invalid filter: filters must be JSON like {"label":["a=b"]}, got "x"'],
    ["/containers/json?filters=%7B%22a%22%3A1%7D", "invalid filter: a must be a list of strings, got 1"],
    ["/containers/x/logs", "Bad parameters: you must choose at least one stream"],
    ["/containers/x/archive", "bad parameter: path cannot be empty"],
  ] as const) {
    const answer = await server.get(path);
    assert.equal(answer.status, 400, path);
    assert.deepEqual(answer.json(), { message });
  }
  const resize = await server.request("POST", "/containers/x/resize?h=5");
  assert.deepEqual(resize.json(), { message: "the query parameter w is missing" });
});

test("what is not there says so: no swarm, no registry", async () => {
  await using server = await TestServer.start({});
  const nodes = await server.get("/v1.41/nodes");
  assert.equal(nodes.status, 503);
  assert.match(nodes.text, /This node is not a swarm manager\./);
  assert.equal((await server.get("/distribution/a/b/json")).status, 501);
});

test("the OpenAPI document is served", async () => {
  await using server = await TestServer.start({});
  const answer = await server.get("/openapi.json");
  assert.equal(answer.status, 200);
  assert.match(answer.text, /^\{"openapi":"3\.1\.0"/);
});

test("a request without a Host header is served", async () => {
  await using server = await TestServer.start({});
  const connection = server.raw(["GET /_ping HTTP/1.0"]);
  await connection.end();
  assert.match(connection.text, /OK$/);
});

test("a client that ends its side after the request gets its answer", async () => {
  await using server = await TestServer.start({
    networks: {
      list: async () => {
        await sleep(600);
        return [];
      },
    },
  });
  const client = server.raw(["GET /networks HTTP/1.1"]);
  client.socket.end();
  await client.end();
  assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n\[\]\n$/);
});

function volume(Name: string) {
  return { Name, Driver: "local", Labels: null, Mountpoint: "/m", Options: null, Scope: "local" };
}
