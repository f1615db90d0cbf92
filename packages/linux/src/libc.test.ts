import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { test } from "node:test";
import { Libc, SystemCallError } from "./index.ts";

/** The tests run with `--experimental-ffi`. */
function libc(): Libc {
  const loaded = Libc.load();
  assert.ok(loaded, "this Node cannot call libc");
  return loaded;
}

const failure = (code: string) => (error: unknown) => error instanceof SystemCallError && error.code === code;

test("a call that succeeds answers what libc returned", () => {
  const descriptor = openSync("/dev/null", "r");
  const getFlags = 3;
  assert.ok(libc().call("fcntl", descriptor, getFlags, 0) > 0);
  closeSync(descriptor);
});

test("a call that fails throws with the error's name as Node spells it, a mere attempt answers with it", () => {
  const calls = libc();
  assert.throws(() => calls.call("mkfifo", "/", 0o600), failure("EEXIST"));
  assert.throws(() => calls.call("umount2", "/nonexistent", 0), { code: "ENOENT", errno: 2, message: /ENOENT: .*, umount2/ });
  assert.equal(calls.attempt("mkfifo", "/", 0o600), -1);
});

test("the code is the call's own, whatever call failed before, and while garbage is collected all the time", () => {
  const calls = libc();
  const buffer = Buffer.alloc(16);
  const failing = [
    ["EEXIST", () => calls.call("mkfifo", "/", 0o600)],
    ["EBADF", () => calls.call("recv", -1, buffer, 16n, 0)],
    ["ENOENT", () => calls.call("lgetxattr", "/nonexistent", "user.x", null, 0n)],
    ["ENODATA", () => calls.call("lgetxattr", "/", "user.absent", null, 0n)],
    ["EAFNOSUPPORT", () => calls.call("socket", 999, 1, 0)],
  ] as const;
  let garbage: unknown[] = [];
  const wrong: string[] = [];
  for (let round = 0; round < 8_000; round++) {
    garbage.push({ round, text: "x".repeat(round % 300) });
    if (garbage.length > 2_000) garbage = [];
    for (const [code, call] of failing) {
      try {
        call();
        wrong.push(`${code}: did not fail`);
      } catch (error) {
        if (!failure(code)(error)) wrong.push(`${code}: ${String(error)}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});
