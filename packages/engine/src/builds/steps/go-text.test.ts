import assert from "node:assert/strict";
import { test } from "node:test";
import { goHealthcheck, goQuoted, goQuotedList } from "./go-text.ts";

test("texts are quoted as Go does it", () => {
  assert.equal(goQuoted('a"b\\c\n\t\u0001\u00a0é😀'), String.raw`"a\"b\\c\n\t\x01\u00a0é😀"`);
  assert.equal(goQuotedList(["a", "b c"]), '["a" "b c"]');
});

test("a health check is told as dockerd's history has it", () => {
  const check = { Test: ["CMD-SHELL", "test -e /x"], Interval: 5e9, StartPeriod: 120e9, Retries: 3 };
  assert.equal(goHealthcheck(check), String.raw`&{["CMD-SHELL" "test -e /x"] "5s" "0s" "2m0s" '\x03'}`);
  assert.equal(goHealthcheck({ Test: ["NONE"], Retries: 39 }), String.raw`&{["NONE"] "0s" "0s" "0s" '\''}`);
});
