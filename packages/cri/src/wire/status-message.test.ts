import assert from "node:assert/strict";
import { test } from "node:test";
import { statusMessage } from "./status-message.ts";

test("a message is written whole, or with its begin and its end where a head has no room for it", () => {
  for (const message of ["", "cannot start \u201cweb\u201d: 100 %\n", "x".repeat(40_000)])
    assert.equal(decodeURIComponent(statusMessage(message)), message);
  for (const unit of ["x", "\u00fc ", "\ud83d\ude00", "\ud800", "\u201c"]) {
    const encoded = statusMessage(`begin ${unit.repeat(2_000_000)} end`);
    assert.ok(encoded.length <= 48 * 1024, `${encoded.length} of ${unit}`);
    assert.match(decodeURIComponent(encoded), /^begin .* … \(\d+ characters are left out\) … .* end$/);
  }
});
