import type { Handler, HandlerSpec } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRouter } from "./router.ts";

const handler = (): Handler => () => undefined;
const spec = (method: string, path: string): HandlerSpec => ({ method, path, handler: handler() });

function routerOf(...specs: HandlerSpec[]) {
  const router = compileRouter(specs);
  return (method: string, path: string) => {
    const match = router(method, path);
    return match && [specs.findIndex((one) => one.handler === match.handler), { ...match.params }];
  };
}

test("parameters are decoded and the query is no part of the path", () => {
  const find = routerOf(spec("GET", "/containers/{id}/json"), spec("GET", "/containers/json"));
  assert.deepEqual(find("GET", "/containers/a%20b/json?size=1"), [0, { id: "a b" }]);
  assert.deepEqual(find("GET", "/containers/json?all=1"), [1, {}]);
  assert.equal(find("POST", "/containers/json"), undefined);
});

test("a container by its link, and a network, may have a name with a slash", () => {
  const find = routerOf(
    spec("GET", "/containers/{id}/json"),
    spec("GET", "/containers/{id}/attach/ws"),
    spec("DELETE", "/networks/{id}"),
    spec("GET", "/volumes/{name}"),
  );
  assert.deepEqual(find("GET", "/containers/web/db/json"), [0, { id: "web/db" }]);
  assert.deepEqual(find("GET", "/containers/web%2Fdb/json"), [0, { id: "web/db" }]);
  assert.deepEqual(find("GET", "/containers/web/attach/ws"), [1, { id: "web" }]);
  assert.deepEqual(find("DELETE", "/networks/a/b"), [2, { id: "a/b" }]);
  assert.equal(find("GET", "/containers/a/b/c/json"), undefined);
  assert.equal(find("GET", "/volumes/a/b"), undefined);
});

test("a name with slashes is told apart by its end, the longest first", () => {
  const find = routerOf(
    spec("GET", "/images/{name...}/json"),
    spec("GET", "/images/{name...}"),
    spec("GET", "/images/{name...}/x/json"),
    spec("GET", "/images/json"),
  );
  assert.deepEqual(find("GET", "/images/a/b:c/json"), [0, { name: "a/b:c" }]);
  assert.deepEqual(find("GET", "/images/a/x/json"), [2, { name: "a" }]);
  assert.deepEqual(find("GET", "/images/a/b"), [1, { name: "a/b" }]);
  assert.deepEqual(find("GET", "/images/json"), [3, {}]);
  assert.deepEqual(find("GET", "/images/json/json"), [0, { name: "json" }]);
  assert.equal(find("GET", "/images/"), undefined);
});

test("two slashes are one", () => {
  const find = routerOf(spec("GET", "/containers/{id}/json"));
  assert.deepEqual(find("GET", "/containers//a/json"), [0, { id: "a" }]);
});

test("a path that cannot be decoded leads nowhere", () => {
  const find = routerOf(spec("GET", "/containers/{id}/json"));
  assert.equal(find("GET", "/containers/%zz/json"), undefined);
  assert.deepEqual(find("GET", "/containers/%ff%2f%c3%a4/json"), [0, { id: "\ufffd/ä" }]);
});

test("a table that cannot be served is refused with the route's name", () => {
  for (const [bad, message] of [
    [[spec("GET", "/a/{id}"), spec("GET", "/a/{name}")], "route GET /a/{name}: two handlers claim it"],
    [[spec("GET", "/a/{id...}"), spec("GET", "/a/{name...}")], "route GET /a/{name...}: two handlers claim it"],
    [[spec("get", "/a")], "route get /a: the method must be one of GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS"],
    [[spec("GET", "a")], "route GET a: the path must start with a slash"],
    [[spec("GET", "/a//b")], "route GET /a//b: the path must not contain //"],
    [[spec("GET", "/a/..")], "route GET /a/..: the path must not have . or .. as a part"],
    [[spec("GET", "/a/*")], "route GET /a/*: the path must not contain ?, #, *, ( or )"],
    [[spec("GET", "/a/{b")], "route GET /a/{b: the path writes parameters as {name} or {name...}"],
    [[spec("GET", "/a/{b...}/{c}")], "route GET /a/{b...}/{c}: the path may have nothing but literal text after a {name...}"],
  ] as const) {
    assert.throws(() => compileRouter(bad), { message });
  }
});
