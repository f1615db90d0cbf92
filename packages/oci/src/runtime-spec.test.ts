import assert from "node:assert/strict";
import { test } from "node:test";
import { rlimitInfinity, stringifySpec } from "./runtime-spec.ts";

test("an unlimited rlimit keeps all its 64 bits in JSON", () => {
  const text = stringifySpec({
    user: { uid: 0, gid: 0 },
    args: ["sh"],
    cwd: "/",
    rlimits: [{ type: "RLIMIT_CORE", hard: rlimitInfinity, soft: 0 }],
  });
  assert.match(text, /"hard":18446744073709551615,"soft":0/);
});
