import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rlimit, rlimitInfinity } from "./runtime-spec.ts";

test("an unlimited rlimit keeps all its 64 bits in JSON", () => {
  const limit: Rlimit = { type: "RLIMIT_CORE", hard: rlimitInfinity(), soft: 0 };
  assert.equal(JSON.stringify(limit), '{"type":"RLIMIT_CORE","hard":18446744073709551615,"soft":0}');
});
