import assert from "node:assert/strict";
import { test } from "node:test";
import { cutText } from "./cut-text.ts";

test("a text is cut by its bytes, not within a sign, and says so", () => {
  assert.equal(cutText("short"), "short");
  assert.equal(cutText("abcdef", 6), "abcdef");
  assert.equal(cutText("abcdefg", 6), "abcdef… (1 more bytes)");
  assert.equal(cutText("€€€", 9), "€€€");
  assert.equal(cutText("€€€", 8), "€€… (3 more bytes)");
  assert.equal(cutText("a😀😀", 8), "a😀… (4 more bytes)");
});
