import assert from "node:assert/strict";
import { test } from "node:test";
import { canaryOptionsOf } from "./canary-options.ts";

const read = (query: string): unknown => canaryOptionsOf(new URLSearchParams(query));

test("a share is what makes a canary; its limits have defaults", () => {
  assert.equal(read("privileges=all"), undefined);
  assert.deepEqual(read("canary=5%25"), { sharePercent: 5, failures: { calls: 3 } });
  assert.deepEqual(read("canary=0.5%25&canaryFailures=10%25&canaryMaxMs=250&promoteAfter=600"), {
    sharePercent: 0.5,
    failures: { percent: 10 },
    maxMs: 250,
    promoteAfterMs: 600_000,
  });
});

test("a bad value is refused with what would be right", () => {
  for (const share of ["5", "", "0%25", "100%25", "-1%25", "1e1%25", "five%25", "0.0000001%25", "NaN%25"])
    assert.throws(
      () => read(`canary=${share}`),
      /^EngineError: canary must be a share of the calls such as 5% or 0.5%, above 0% and below 100%, got "/,
    );
  for (const limit of ["0", "-1", "1.5", "100%25", "many", "1000001"])
    assert.throws(
      () => read(`canary=5%25&canaryFailures=${limit}`),
      /canaryFailures must be a number of calls from 1 to 1000000 such as 3, or/,
    );
  for (const [name, right] of [
    ["canaryMaxMs", "a whole number of milliseconds from 1 to 600000"],
    ["promoteAfter", "a whole number of seconds from 1 to 604800"],
  ] as const) {
    for (const value of ["0", "1.5", "x", "9999999"])
      assert.throws(() => read(`canary=5%25&${name}=${value}`), {
        kind: "invalidArgument",
        message: `${name} must be ${right}, got "${value}"`,
      });
    assert.throws(() => read(`${name}=5`), { message: `${name} is about a canary: give its share as well, such as canary=5%` });
  }
});
