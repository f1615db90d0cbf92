import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineError, GrpcCode, grpcCodeOf, httpStatusOf, kindOfGrpcCode, messageChain, notFound } from "./index.ts";

test("a kind maps to Docker's HTTP status and to the gRPC code", () => {
  assert.equal(httpStatusOf(notFound("x").kind), 404);
  assert.equal(grpcCodeOf("notFound"), GrpcCode.notFound);
  assert.equal(kindOfGrpcCode(GrpcCode.notFound), "notFound");
});

test("a full disk is reported as exhausted, not as an internal fault", () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  assert.equal(EngineError.from(full).kind, "resourceExhausted");
});

test("the message chain names every cause once", () => {
  const runc = new Error("exec: no such file");
  const failed = new EngineError("internal", "cannot start web", {
    cause: new Error("OCI runtime create failed", { cause: runc }),
  });
  assert.equal(messageChain(failed), "cannot start web: OCI runtime create failed: exec: no such file");
});

test("whatever is thrown has words", () => {
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  const odd = Object.assign(new Error("x"), { message: { no: "text" } as unknown as string });
  assert.deepEqual([10n, loop, undefined, odd, { code: 5 }].map(messageChain), [
    "an error that cannot be read: bigint",
    "an error that cannot be read: object",
    "",
    "an error that says nothing: object",
    '{"code":5}',
  ]);
});
