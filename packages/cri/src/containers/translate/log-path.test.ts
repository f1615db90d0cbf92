import assert from "node:assert/strict";
import { test } from "node:test";
import { containerLogPath } from "./log-path.ts";

test("a log is in its pod's folder, or nowhere", () => {
  assert.equal(containerLogPath("/var/log/pods/a", "app/0.log"), "/var/log/pods/a/app/0.log");
  assert.equal(containerLogPath("/var/log/pods/a/", "/0.log"), "/var/log/pods/a/0.log");
  assert.equal(containerLogPath("", "0.log"), "");
  assert.equal(containerLogPath("/var/log", ""), "");
});

test("a path that leads out of the folder, or is none, is refused", () => {
  for (const [directory, path] of [
    ["/var/log/pods/a", "../b/0.log"],
    ["/var/log/pods/a", ".."],
    ["/var/log/pods/a", "."],
    ["relative", "0.log"],
    ["/var/log/pods/a", "a\0b.log"],
    ["/var/log/pods/a", `${"x".repeat(256)}/0.log`],
    ["/var/log/pods/a", "x/".repeat(2100)],
  ] as const)
    assert.throws(() => containerLogPath(directory, path), { kind: "invalidArgument" });
});
