import { isKind } from "@pouchcontainer/errors";
import { Libc } from "@pouchcontainer/linux";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { PodConnections } from "./pod-connections.ts";

function connections(t: TestContext): PodConnections {
  const libc = Libc.load();
  assert.ok(libc);
  const made = new PodConnections({ libc, within: (_path, work) => work() });
  t.after(() => made.close());
  return made;
}

/** A server on loopback that says back what it hears. */
async function echoOn(t: TestContext, host: string): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.on("error", () => undefined).pipe(socket));
  server.listen(0, host);
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

for (const host of ["127.0.0.1", "::1"])
  test(`a server that listens at ${host} alone is reached, and an end is a half-close`, async (t) => {
    const port = await echoOn(t, host);
    const socket = await connections(t).connect("p1", { netnsPath: "/run/net", port });
    const heard = once(socket, "data");
    socket.write("hello");
    assert.equal(String((await heard)[0]), "hello");
    socket.end(" you");
    assert.equal(await text(socket), " you");
  });

test("where nobody listens there is no connection", async (t) => {
  await assert.rejects(
    connections(t).connect("p1", { port: 1 }),
    (error: unknown) => isKind(error, "unavailable") && /nobody listens on port 1/.test(error.message),
  );
});

test("a pod's connections end with it, and no other's", async (t) => {
  const port = await echoOn(t, "127.0.0.1");
  const pods = connections(t);
  const [one, two] = await Promise.all([pods.connect("p1", { port }), pods.connect("p2", { port })]);
  const closed = once(one, "close");
  pods.end("p1");
  await closed;
  assert.equal(two.destroyed, false);
});
