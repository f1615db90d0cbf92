import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, chownSync, linkSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { isNotListening } from "./hand-shake.ts";
import { SocketFolder } from "./socket-folder.ts";

const user = { uid: 54_321, gid: 54_322 };

function made(t: TestContext): { folder: SocketFolder; elsewhere: string } {
  const directory = mkdtempSync(join(tmpdir(), "sockets-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const folder = new SocketFolder(directory, "plugin.sock");
  folder.make();
  return { folder, elsewhere: join(directory, "elsewhere.sock") };
}

async function listenOn(t: TestContext, path: string, owner = user): Promise<void> {
  const server = createServer().listen(path);
  await once(server, "listening");
  t.after(() => server.close());
  chownSync(path, owner.uid, owner.gid);
}

const ownership = (path: string): unknown => {
  const { uid, gid, mode } = statSync(path);
  return { uid, gid, mode: mode & 0o7777 };
};

test("who is started as a user has the folder until its socket is there, and no connection is made before it is taken back", async (t) => {
  const { folder } = made(t);
  for (const round of ["first", "again"]) {
    folder.give(user);
    assert.deepEqual(ownership(folder.path), { ...user, mode: 0o700 }, round);
    assert.throws(() => folder.takeBack(), isNotListening);
    assert.throws(() => folder.address, { kind: "unavailable", message: "its process does not answer: it does not listen yet" });
    await listenOn(t, folder.socketPath);
    chmodSync(folder.path, 0o777);
    assert.throws(() => folder.address, { kind: "unavailable" });
    folder.takeBack();
    assert.deepEqual(ownership(folder.path), { uid: 0, gid: user.gid, mode: 0o710 }, round);
    assert.equal(folder.address, folder.socketPath);
    folder.takeBack();
  }
});

for (const [what, put] of [
  ["a link to another socket", symlinkSync],
  ["another user's socket by another name", linkSync],
  ["a file", (_elsewhere: string, path: string) => writeFileSync(path, "")],
  ["a folder", (_elsewhere: string, path: string) => mkdirSync(path)],
] as const)
  test(`${what} in the place of the socket is never connected to`, async (t) => {
    const { folder, elsewhere } = made(t);
    await listenOn(t, elsewhere, { uid: 0, gid: 0 });
    folder.give(user);
    put(elsewhere, folder.socketPath);
    const refusal = { kind: "invalidArgument", message: /is not a socket that its own user made/ };
    for (const round of [1, 2]) assert.throws(() => folder.takeBack(), refusal, String(round));
    assert.deepEqual(ownership(folder.path), { uid: 0, gid: user.gid, mode: 0o710 });
    assert.throws(() => folder.address, { kind: "unavailable" });
  });

test("the folder of a process that is root's stays the daemon's", (t) => {
  const { folder } = made(t);
  folder.give(undefined);
  folder.takeBack();
  assert.deepEqual(ownership(folder.path), { uid: 0, gid: 0, mode: 0o700 });
  assert.equal(folder.address, folder.socketPath);
});
