import assert from "node:assert/strict";
import { test } from "node:test";
import { apiVersionOf, isBelow, requestedVersion, withoutVersion } from "./api-version.ts";

test("the version is taken off the path", () => {
  assert.equal(requestedVersion("/v1.41/info?x=/v1.2/"), "1.41");
  assert.equal(withoutVersion("/v1.41/info?x=/v1.2/"), "/info?x=/v1.2/");
  assert.equal(requestedVersion("/volumes/v1.41/x"), undefined);
  assert.equal(requestedVersion("/v1.41"), undefined);
  assert.equal(withoutVersion("/version"), "/version");
});

test("a request without a version is answered in the newest", () => {
  assert.equal(apiVersionOf({ url: "/info" }), "1.51");
  assert.equal(apiVersionOf({ url: "/v1.30/info" }), "1.30");
});

test("versions compare by number", () => {
  assert.ok(isBelow("1.9", "1.24"));
  assert.ok(!isBelow("1.24", "1.9"));
  assert.ok(!isBelow("1.24", "1.24"));
  assert.ok(isBelow("1.99", "2.0"));
});
