import assert from "node:assert/strict";
import { closeSync, constants, lstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Linux } from "./index.ts";

for (const [name, linux] of [
  ["the kernel call", new Linux()],
  ["the mkfifo program", new Linux({ calls: null })],
] as const) {
  test(`${name} makes a FIFO of the owner alone, and refuses a taken name`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "linux-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "stdout");

    await linux.makeFifo(path);
    const stat = lstatSync(path);
    assert.equal(stat.isFIFO(), true);
    assert.equal(stat.mode & 0o777, 0o600);

    await assert.rejects(linux.makeFifo(path));
    await assert.rejects(linux.makeFifo(join(folder, "absent", "stdout")), /mkfifo/);
  });
}

test("the kernel is called directly when Node has ffi", () => {
  assert.equal(new Linux().direct, process.getBuiltinModule("node:ffi") !== undefined);
});

test("a pipe is watched without reading it, and its bytes are moved into a file", async (t) => {
  const linux = new Linux();
  if (!linux.direct) return t.diagnostic("this Node has no ffi: there is nothing to move with");
  const folder = mkdtempSync(join(tmpdir(), "linux-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [pipe, journal] = [join(folder, "pipe"), join(folder, "journal")];
  await linux.makeFifo(pipe);
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  const file = openSync(journal, "w+");
  assert.equal(linux.moveToFile(reader, file, 0, 100), undefined, "an empty pipe");

  const readable = Promise.withResolvers<void>();
  const watch = linux.watchReadable(reader, () => {
    watch.pause();
    readable.resolve();
  });
  writeSync(writer, "hello");
  await readable.promise;
  assert.equal(linux.moveToFile(reader, file, 0, 3), 3);
  assert.equal(linux.moveToFile(reader, file, 3, 100), 2);
  assert.equal(readFileSync(journal, "utf8"), "hello");

  closeSync(writer);
  assert.equal(linux.moveToFile(reader, file, 5, 100), 0, "the end");
  watch.close();
  closeSync(reader);
  closeSync(file);
});

test("a folder without overlayfs' mark is not opaque, one with it is; a mark that anybody can set is none", () => {
  const marks = new Map([
    ["/upper/etc", "trusted.overlay.opaque"],
    ["/upper/home", "user.overlay.opaque"],
  ]);
  const marked = new Linux({
    calls: {
      mkfifo: () => 0,
      fcntl: () => 0,
      attributeSize: (path, name) => (marks.get(path) === name ? 1 : -1),
      splice: () => -1,
      watchReadable: () => ({ pause: () => undefined, resume: () => undefined, close: () => undefined }),
      ioctl: () => -1,
    },
  });
  const opaque = ["/upper/etc", "/upper/usr", "/upper/home"].filter((path) => marked.isOpaqueDirectory(path));
  assert.deepEqual(opaque, ["/upper/etc"]);
  const real = new Linux();
  if (real.direct) assert.equal(real.isOpaqueDirectory(tmpdir()), false);
});

test("what the other end of a local socket has not read is seen", async (t) => {
  const linux = new Linux();
  if (!linux.direct) return t.diagnostic("this Node has no ffi: it counts as read");
  const folder = mkdtempSync(join(tmpdir(), "linux-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const server = createServer({ pauseOnConnect: true }).listen(join(folder, "socket"));
  t.after(() => server.close());
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const client: Socket & { _handle?: { fd: number } } = connect(join(folder, "socket"));
  await once(client, "connect");
  const [peer] = await accepted;
  const fd = client._handle?.fd ?? -1;
  assert.equal(linux.allRead(fd), true, "nothing was sent");
  await new Promise((resolve) => client.write("a word", resolve));
  assert.equal(linux.allRead(fd), false);
  peer.resume();
  await once(peer, "data");
  assert.equal(linux.allRead(fd), true);
  client.destroy();
  peer.destroy();
  assert.equal(linux.allRead(-1), true, "no socket");
});
