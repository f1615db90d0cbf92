import assert from "node:assert/strict";
import { test } from "node:test";
import { internal, unavailable } from "@pouchcontainer/errors";
import { runtimeFailure } from "./runtime-failure.ts";

const prefix = "failed to create task for container";

for (const [text, exitCode, kind] of [
  ['OCI runtime create failed: exec: "nope": executable file not found in $PATH: unknown', 127, "invalidArgument"],
  ["OCI runtime create failed: exec: /etc/passwd: permission denied: unknown", 126, "invalidArgument"],
  ["OCI runtime create failed: mount /a to /b: not a directory: unknown", 127, "invalidArgument"],
  ["OCI runtime create failed: seccomp is broken", 128, "internal"],
] as const) {
  test(`"${text.slice(27)}" is exit code ${exitCode}`, () => {
    const failure = runtimeFailure(prefix, internal(text));
    assert.equal(failure.exitCode, exitCode);
    assert.equal(failure.error.kind, kind);
    assert.ok(failure.error.message.startsWith(`${prefix}: ${text}`));
  });
}

test("a containerd that is away is told as such, and a prefix is not said twice", () => {
  assert.equal(runtimeFailure(prefix, unavailable("no connection")).error.kind, "unavailable");
  assert.equal(
    runtimeFailure("OCI runtime exec failed", internal("OCI runtime exec failed: x")).error.message,
    "OCI runtime exec failed: x",
  );
});
