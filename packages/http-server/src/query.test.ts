import { endpoints, type Endpoint, type JsonSchema } from "@pouchcontainer/api";
import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeQuery } from "./query.ts";

const schema: JsonSchema = {
  properties: {
    on: { type: "boolean" },
    count: { type: "integer" },
    size: { type: "integer", minimum: 0 },
    name: { type: "string" },
    names: { type: "array", items: { type: "string" } },
  },
};

test("flags follow Docker's words", () => {
  for (const no of ["", "0", "no", "false", "none", "False", " NO "]) {
    assert.deepEqual(decodeQuery(schema, `/x?on=${encodeURIComponent(no)}`), { on: false }, no);
  }
  for (const yes of ["1", "true", "yes", "maybe"]) assert.deepEqual(decodeQuery(schema, `/x?on=${yes}`), { on: true }, yes);
});

test("values have their type, lists keep every one, strangers have no effect", () => {
  assert.deepEqual(decodeQuery(schema, "/x?count=-1&name=a%20b&names=a&names=b&foo=bar"), {
    count: -1,
    name: "a b",
    names: ["a", "b"],
  });
});

test("an empty number is absent", () => {
  assert.deepEqual(decodeQuery(schema, "/x?count="), {});
});

test("what is no number is refused", () => {
  for (const query of ["count=1.5", "count=x", "size=-1"]) {
    assert.throws(
      () => decodeQuery(schema, `/x?${query}`),
      (thrown) => isKind(thrown, "invalidArgument"),
      query,
    );
  }
});

test("a parameter that has to be there is named", () => {
  assert.throws(() => decodeQuery(endpoints.ContainerResize.query, "/x?w=1"), { message: "the query parameter h is missing" });
});

test("a value that is no text is refused, and one that only looks like it is not", () => {
  for (const value of ["%FF%FEbad", "a%C3", "%00", "a%00b", "\xff"])
    assert.throws(
      () => decodeQuery(schema, `/x?on=1&name=${value}`),
      (error) => isKind(error, "invalidArgument"),
      value,
    );
  assert.deepEqual(decodeQuery(schema, "/x?on=%FF&stranger=%FF"), { on: true });
  assert.equal(decodeQuery(schema, "/x?name=%EF%BF%BD%EF%BF%BDbad")["name"], "\ufffd\ufffdbad");
});

test("a path of a file is taken as bytes", () => {
  const { query }: Endpoint = endpoints.ContainerArchive;
  assert.deepEqual(decodeQuery(query, "/x?path=/tmp/%ff+%C3%A4"), { path: Buffer.from("/tmp/\xff \xc3\xa4", "latin1") });
  assert.throws(() => decodeQuery(query, "/x?path=a%00b"), {
    message: 'the query parameter path must not contain a NUL: "a\\u0000b"',
  });
});

test("what no query can have is refused, whatever asks for it", () => {
  assert.throws(() => decodeQuery(schema, "/x?stranger=a%zzb"), { message: 'invalid URL escape "%zz"' });
  assert.throws(() => decodeQuery(schema, "/x?name=%4"), { message: 'invalid URL escape "%4"' });
  assert.throws(() => decodeQuery(schema, "/x?on=1;name=a"), { message: "invalid semicolon separator in query" });
});
