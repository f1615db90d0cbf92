import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLogConfig } from "./log-options.ts";

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
      rotation: { maxSizeBytes: 10 << 20, maxFiles: 3, compress: true },
      attrs: { tier: "web", REGION: "eu" },
    },
  );
  assert.equal(parseLogConfig("", {}, container).rotation.maxSizeBytes, -1);
  assert.equal(parseLogConfig("none", {}, container).driver, "none");
});

test("what cannot be done is refused with the name of the option", () => {
  assert.throws(() => parseLogConfig("syslog", {}, container), /no log driver named 'syslog'/);
  assert.throws(() => parseLogConfig("json-file", { "max-sise": "1" }, container), /unknown log opt 'max-sise'/);
  assert.throws(() => parseLogConfig("json-file", { "max-size": "lots" }, container), /invalid size: 'lots'/);
  assert.throws(() => parseLogConfig("json-file", { compress: "true" }, container), /compress cannot be true/);
});
