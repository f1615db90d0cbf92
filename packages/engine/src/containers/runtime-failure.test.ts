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

test("a hook that failed is told with its plugin, whatever its words", () => {
  const hook = (plugin: string) => ({ plugin, priority: 0, args: [`/opt/${plugin}`], timeoutSeconds: 30 });
  for (const text of [
    "error during container init: error running hook #1: fork/exec /opt/b: no such file or directory: unknown",
    "error running prestart hook #1: exit status 1, stdout: , stderr: permission denied",
  ]) {
    const { exitCode, error } = runtimeFailure(prefix, internal(text), [hook("a"), hook("b")]);
    assert.deepEqual([exitCode, error.kind], [128, "internal"]);
    assert.equal(error.message, `${prefix}: plugin "b" at container.preStart: its hook /opt/b failed: ${text}`);
  }
});
