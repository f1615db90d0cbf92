import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, readlinkSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
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

/** A directory on a disk of its own that has room for that many bytes more. */
function diskWithRoom(t: TestContext, bytes: number): string {
  const directory = mkdtempSync(join(tmpdir(), "pouch-output-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", directory]);
  t.after(() => {
    execFileSync("umount", ["--lazy", directory]);
    rmSync(directory, { recursive: true });
  });
  appendFileSync(join(directory, "filler"), Buffer.alloc((1 << 20) - bytes));
  return directory;
}

test("a client that reads slowly while the disk is full gets all output in its order, and the process waits for it", async (t) => {
  // The 2,048 bytes after the first chunk on disk take the header of the next one, and not all its data.
  const hub = new OutputHub({ directory: diskWithRoom(t, 8192), limits: { memoryBytes: 10, diskBytes: 1 << 20 } });
  let resumed = 0;
  hub.onRoom = () => resumed++;
  const tap = hub.attach({ stdout: true, stderr: true });
  const said = [
    ["stdout", "memory"],
    ["stderr", "a".repeat(6139)],
    ["stdout", "b".repeat(4000)],
    ["stderr", "c"],
    ["stdout", "d".repeat(4000)],
  ] as const;
  const room = said.map(([stream, text]) => hub.publish(stream, Buffer.from(text)));
  assert.deepEqual(room, [true, true, false, false, false]);
  const got: [string, string][] = [];
  for await (const { stream, data } of tap) {
    got.push([stream, Buffer.from(data).toString()]);
    if (got.length < said.length) assert.equal(resumed, 0, "output before this is not read yet");
    else if (got.length === said.length) {
      assert.equal(resumed, 1);
      assert.equal(hub.publish("stdout", Buffer.from("after it")), true);
      hub.end();
    }
  }
  assert.deepEqual(got, [...said, ["stdout", "after it"]]);
});

test("a client whose waiting output was cut off on disk gets an error, and no other one", async (t) => {
  const hub = new OutputHub({ directory: diskWithRoom(t, 1 << 19), limits: { memoryBytes: 1, diskBytes: 1 << 20 } });
  const [cut, whole] = [hub.attach({ stdout: true, stderr: true }), hub.attach({ stdout: true, stderr: true })];
  const files = (): string[] =>
    readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).includes("/.output-");
      } catch {
        return false;
      }
    });
  hub.publish("stdout", Buffer.from("said to both"));
  const [first] = files();
  truncateSync(`/proc/self/fd/${first}`, 7);
  await assert.rejects(Array.fromAsync(cut), /shorter than what was written to it/);
  assert.equal(hub.tapCount, 1);
  hub.end();
  assert.deepEqual(await Array.fromAsync(whole), [{ stream: "stdout", data: Buffer.from("said to both") }]);
  assert.deepEqual(files(), []);
});
