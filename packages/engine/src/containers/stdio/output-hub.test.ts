import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { OutputHub } from "./output-hub.ts";

test("output is taken when each client has read it, one that does not is not waited for long, and one that went away not at all", async () => {
  const hub = new OutputHub({ directory: tmpdir() });
  await hub.taken(60_000);
  const tap = hub.attach({ stdout: true, stderr: true });
  let read = false;
  const asked = Promise.withResolvers<void>();
  tap.hasRead = () => {
    asked.resolve();
    return read;
  };
  hub.publish("stdout", Buffer.from("said"));
  let told = false;
  const taken = hub.taken(60_000).then(() => (told = true));
  const output = Array.fromAsync(tap);
  await asked.promise;
  await hub.taken(5);
  assert.equal(told, false, "the client has it, and has not read it");
  read = true;
  await taken;
  const idle = hub.attach({ stdout: true, stderr: true });
  const leaving = hub.taken(60_000);
  idle.close();
  await leaving;
  hub.end();
  assert.deepEqual(await output, [{ stream: "stdout", data: Buffer.from("said") }]);
});
