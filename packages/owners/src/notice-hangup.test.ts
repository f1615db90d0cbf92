import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ownConnection } from "./connection.ts";
import { noticeHangup } from "./notice-hangup.ts";

/** Both ends of a connection over a Unix socket, the accepted one watched. */
async function connected(t: TestContext): Promise<{ client: Socket; accepted: Socket }> {
  const folder = mkdtempSync(join(tmpdir(), "pouch-hangup-"));
  const server = createServer({ allowHalfOpen: true }).listen(join(folder, "s"));
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  await once(server, "listening");
  const client = ownConnection(connect({ path: join(folder, "s"), allowHalfOpen: true }));
  const [accepted] = (await once(server, "connection")) as [Socket];
  noticeHangup(ownConnection(accepted));
  return { client, accepted };
}

const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once("close", resolve));

test("a client that goes away while we do not read from it is noticed", async (t) => {
  const { client, accepted } = await connected(t);
  accepted.pause();
  client.write("more than is read");
  client.destroy();
  await closed(accepted);
});

test("a client that only ended its side is kept, and noticed when it goes away", async (t) => {
  const { client, accepted } = await connected(t);
  accepted.resume();
  client.end("all");
  await once(accepted, "end");
  await sleep(1200);
  assert.equal(accepted.destroyed, false);
  client.destroy();
  await closed(accepted);
});
