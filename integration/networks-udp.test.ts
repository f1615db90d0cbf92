import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { NetworksWorld, run } from "./networks-world.ts";

async function world(t: TestContext): Promise<NetworksWorld> {
  const made = await new NetworksWorld().open();
  t.after(async () => assert.deepEqual(await made.destroy(), [], "something of the networks is left on the machine"));
  await made.networks.ready;
  return made;
}

/** A client that never stops sending from one port, as a phone or a sensor does; what it heard last tells who answers. */
function restlessClient(w: NetworksWorld, from: ReturnType<NetworksWorld["container"]>, to: [string, number]) {
  const socket = w.udpSocket(from, 0);
  const heard: string[] = [];
  let sent = 0;
  socket.on("message", (message) => heard.push(message.toString()));
  const timer = setInterval(() => socket.send(String(sent++), to[1], to[0]), 20);
  socket.once("close", () => clearInterval(timer));
  return {
    /** Waits for an answer to something that is only sent from now on; undefined when twenty go unanswered. */
    answer: async (): Promise<string | undefined> => {
      const [first, last] = [sent + 1, sent + 20];
      for (;;) {
        const answer = heard.find((text) => Number(text.split(" ")[1]) >= first);
        if (answer !== undefined || sent > last + 20) return answer?.split(" ")[0];
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}

const published = (hostPort: number) => ({ hostConfig: { PortBindings: { "5300/udp": [{ HostPort: String(hostPort) }] } } });

test("a UDP client that never pauses gets through at every start, stop and re-creation, and only to who publishes the port", async (t) => {
  const w = await world(t);
  const { machine, hostAddress } = await w.outside();
  const client = restlessClient(w, machine, [hostAddress, 15310]);
  const onHost = restlessClient(w, machine, [hostAddress, 15311]);
  assert.equal(await client.answer(), undefined, "nobody has published it yet");

  const first = await w.start("first", published(15310));
  w.echo(first, 5300, "first ");
  assert.equal(await client.answer(), "first", "after the first start");
  const oldAddress = w.address(first);

  await w.stop(first);
  await w.networks.sandboxes.settled();
  const squatter = await w.start("squatter");
  assert.equal(w.address(squatter), oldAddress, "another container has the address now");
  w.echo(squatter, 5300, "squatter ");
  assert.equal(await client.answer(), undefined, "what is published no more is nobody's");

  await w.start("first");
  assert.notEqual(w.address(first), oldAddress);
  w.echo(first, 5300, "again ");
  assert.equal(await client.answer(), "again", "after the restart, at another address");

  await w.stop(first);
  const second = await w.start("second", published(15310));
  w.echo(second, 5300, "second ");
  assert.equal(await client.answer(), "second", "after the re-creation");
  assert.equal(await onHost.answer(), undefined);
});

test("a UDP client of a port on a single host address gets through", async (t) => {
  const w = await world(t);
  const { machine, hostAddress } = await w.outside();
  const client = restlessClient(w, machine, [hostAddress, 15320]);
  assert.equal(await client.answer(), undefined);
  const bound = { hostConfig: { PortBindings: { "5300/udp": [{ HostIp: hostAddress, HostPort: "15320" }] } } };
  const a = await w.start("a", bound);
  w.echo(a, 5300, "a ");
  assert.equal(await client.answer(), "a");
});

test("a running flow goes on through a restart of the daemon, and one the pause misled is set right", async (t) => {
  const w = await world(t);
  const { machine, hostAddress } = await w.outside();
  const a = await w.start("a", published(15330));
  w.echo(a, 5300, "a ");
  const client = restlessClient(w, machine, [hostAddress, 15330]);
  assert.equal(await client.answer(), "a");
  await w.shut();
  await run("nft", ["delete", "table", "inet", w.config.nftTable]);
  const late = restlessClient(w, machine, [hostAddress, 15330]);
  assert.equal(await late.answer(), undefined, "the rules are gone");
  await w.open();
  await w.networks.sandboxes.restore(w.runningContainers());
  assert.equal(await late.answer(), "a");
  assert.equal(await client.answer(), "a");
});
