import assert from "node:assert/strict";
import { test } from "node:test";
import { CircuitBreaker } from "./circuit-breaker.ts";

test("the circuit opens after failures in a row, says why, and lets one call try after the cool-down", () => {
  let now = 0;
  const breaker = new CircuitBreaker({ now: () => now, threshold: 2, coolDownMs: 3000 });
  assert.equal(breaker.failed("boom"), false);
  assert.equal(breaker.succeeded(), false);
  assert.equal(breaker.failed("boom"), false);
  assert.equal(breaker.failed("bang"), true);
  assert.equal(
    breaker.refusal(),
    "not called for another 3 s after 2 failures in a row, the last: bang; the first call after that is tried, and closes the circuit if it succeeds; disabling and enabling the plugin closes it at once",
  );

  now = 3000;
  assert.equal(breaker.refusal(), undefined);
  assert.match(breaker.refusal() ?? "", /^not called/);
  assert.equal(breaker.failed("bang"), false);
  assert.match(breaker.refusal() ?? "", /another 3 s after 3 failures/);

  assert.equal(breaker.refusal(1), undefined);
  assert.equal(breaker.failed("bang"), false);
  assert.equal(breaker.failed("bang"), true);
  assert.match(breaker.refusal(1) ?? "", /another 3 s after 2 failures/);

  now = 6000;
  assert.equal(breaker.refusal(1), undefined);
  assert.equal(breaker.succeeded(), true);
  assert.equal(breaker.refusal(1), undefined);
});

test("a trial without a verdict leaves the circuit open, and the next call tries", () => {
  let now = 0;
  const breaker = new CircuitBreaker({ now: () => now, threshold: 1, coolDownMs: 1000 });
  assert.equal(breaker.failed("boom"), true);
  breaker.undecided();
  assert.match(breaker.refusal() ?? "", /^not called for another 1 s/);
  now = 1000;
  assert.equal(breaker.refusal(), undefined);
  breaker.undecided();
  assert.equal(breaker.isOpen, true);
  assert.equal(breaker.refusal(), undefined);
  assert.match(breaker.refusal() ?? "", /^not called/);
});

test("a circuit that is opened stays so whatever calls under way come to, and a trial that fails opens it again", () => {
  let now = 0;
  const breaker = new CircuitBreaker({ now: () => now, threshold: 3, coolDownMs: 1000 });
  assert.equal(breaker.opening, undefined);
  assert.equal(breaker.open("a mishap"), true);
  assert.equal(breaker.succeeded(), false);
  assert.match(breaker.refusal() ?? "", /^not called for another 1 s after a mishap; /);
  now = 1000;
  assert.equal(breaker.refusal(), undefined);
  assert.equal(breaker.failed("bang"), false);
  assert.match(breaker.refusal() ?? "", /^not called for another 1 s after a call that was tried failed: bang; /);
});
