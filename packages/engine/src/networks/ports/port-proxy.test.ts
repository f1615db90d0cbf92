import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Libc } from "@pouchcontainer/linux";
import { bindSocket, portOf } from "./host-sockets.ts";
import type { HeldPort } from "./port-allocator.ts";
import { serveHostPort } from "./port-proxy.ts";
import { RelayBudget } from "./relay-budget.ts";

/** What a client of a port reads, and how that ended. */
async function hear(port: number): Promise<{ client: Socket; word: string }> {
  const client = connect({ host: "127.0.0.1", port });
  const [word] = (await once(client, "data").catch(() => ["refused"])) as [unknown];
  return { client, word: String(word) };
}

test("connections that are relayed have a bound, which is told, and make room when they end", async () => {
  const target = createServer((socket) =>
    socket
      .resume()
      .on("error", () => undefined)
      .write("hello"),
  ).listen(0, "127.0.0.1");
  await once(target, "listening");
  const budget = new RelayBudget(4);
  const warnings: string[] = [];
  const libc = Libc.load() ?? assert.fail("no libc");
  const socket = bindSocket(libc, "tcp", "127.0.0.1", 0) ?? assert.fail("no TCP");
  const port = portOf(libc, socket);
  const held: HeldPort = { protocol: "tcp", containerPort: 80, hostAddress: "127.0.0.1", hostPort: port, socket };
  const to = { address: "127.0.0.1", port: (target.address() as AddressInfo).port };
  const proxy = serveHostPort(held, to, { relay: true, budget, warn: (message) => void warnings.push(message) });
  try {
    const [one, two, three] = [await hear(port), await hear(port), await hear(port)];
    assert.deepEqual([one.word, two.word, three.word], ["hello", "hello", "refused"]);
    one.client.destroy();
    let last = await hear(port);
    for (let tries = 0; last.word === "refused" && tries < 500; tries++) {
      await sleep(10);
      last = await hear(port);
    }
    assert.equal(last.word, "hello");
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /published port 127\.0\.0\.1:\d+: 2 connections are relayed, and more are refused/);
    for (const { client } of [two, last]) client.destroy();
  } finally {
    proxy?.close();
    target.close();
  }
});
