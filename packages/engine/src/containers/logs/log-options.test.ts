import assert from "node:assert/strict";
import { test } from "node:test";
import { checkLogConfig, parseLogConfig } from "./log-options.ts";

const container = { labels: { tier: "web", team: "x" }, env: ["REGION=eu", "SECRET=s"] };

test("sizes, counts and attributes are read as Docker reads them", () => {
  assert.deepEqual(
    parseLogConfig(
      "json-file",
      { "max-size": "10m", "max-file": "3", compress: "true", labels: "tier", "env-regex": "^REG" },
      container,
    ),
    {
      driver: "json-file",
      rotation: { maxSizeBytes: 10_000_000, maxFiles: 3, compress: true },
      attrs: { tier: "web", REGION: "eu" },
    },
  );
  assert.equal(parseLogConfig("", {}, container).rotation.maxSizeBytes, -1);
  assert.equal(parseLogConfig("none", {}, container).driver, "none");
});

test("a size is what dockerd takes it for, and one that limits nothing is refused where it is given", () => {
  const bytes = (size: string): number => {
    checkLogConfig("json-file", { "max-size": size }, container);
    return parseLogConfig("json-file", { "max-size": size }, container).rotation.maxSizeBytes;
  };
  assert.deepEqual(["1k", "1.5k", "1 MiB", "2g", "3tb", "1p", "7"].map(bytes), [1000, 1500, 1e6, 2e9, 3e12, 1e15, 7]);
  for (const size of ["0", "0.1", "0k"])
    assert.throws(() => bytes(size), { kind: "invalidArgument", message: `max-size must be a positive number: got '${size}'` });
  for (const size of ["-1", "-5", "", "x", "1e", "1  k"])
    assert.throws(() => bytes(size), { kind: "invalidArgument", message: `invalid size: '${size}' for max-size` });
  for (const made of ["-1", "0"])
    assert.ok(parseLogConfig("json-file", { "max-size": made }, container).rotation.maxSizeBytes <= 0);
  checkLogConfig("local", { "max-size": "0" }, container);
  assert.throws(() => checkLogConfig("local", { "max-size": "-1" }, container), /invalid size/);
  assert.equal(parseLogConfig("local", {}, container).rotation.maxSizeBytes, 20 << 20);
});

test("what cannot be done is refused with the name of the option", () => {
  assert.throws(() => parseLogConfig("syslog", {}, container), /no log driver named 'syslog'/);
  assert.throws(() => parseLogConfig("json-file", { "max-sise": "1" }, container), /unknown log opt 'max-sise'/);
  assert.throws(() => parseLogConfig("json-file", { "max-size": "lots" }, container), /invalid size: 'lots'/);
  assert.throws(() => parseLogConfig("json-file", { compress: "true" }, container), /compress cannot be true/);
});
