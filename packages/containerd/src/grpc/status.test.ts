import assert from "node:assert/strict";
import { test } from "node:test";
import { errorOfStatus } from "./status.ts";

test("a deadline that comes back from a shim without its code is one all the same", () => {
  const error = errorOfStatus({ "grpc-status": "2", "grpc-message": "context deadline exceeded: unknown" }, "/tasks/Pause");
  assert.deepEqual(
    [error?.kind, error?.message],
    ["deadlineExceeded", "containerd did not answer /tasks/Pause in time: context deadline exceeded: unknown"],
  );
  assert.equal(errorOfStatus({ "grpc-status": "2", "grpc-message": "something else: unknown" }, "/x")?.kind, "internal");
  assert.equal(errorOfStatus({ "grpc-status": "0" }, "/x"), undefined);
});
