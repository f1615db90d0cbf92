import { notFound } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { exitStatus, failureStatus, statusText } from "./status.ts";

test("an exit code is the message of a cause named ExitCode", () => {
  assert.deepEqual(JSON.parse(statusText(exitStatus(137), "json")), {
    metadata: {},
    status: "Failure",
    message: "command terminated with non-zero exit code: exit status 137",
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: "137" }] },
  });
  assert.deepEqual(JSON.parse(statusText(exitStatus(0), "json")), { metadata: {}, status: "Success" });
});

test("before v4 only failures are told, as text", () => {
  assert.equal(statusText(exitStatus(0), "text"), "");
  assert.equal(statusText(exitStatus(3), "text"), "command terminated with non-zero exit code: exit status 3");
});

test("a session that could not be tells why", () => {
  const status = failureStatus("attaching to container", notFound("no such container: c1"));
  assert.equal(status.reason, "InternalError");
  assert.equal(status.message, "Internal error occurred: error attaching to container: no such container: c1");
});
