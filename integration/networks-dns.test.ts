import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { NetworksConfig } from "../packages/engine/src/networks/network-config.ts";
import { NetworksWorld } from "./networks-world.ts";

/**
 * What a container's resolver meets outside and inside. It runs in this very process, as it does in the daemon: an error that
 * nobody hears, or a promise nobody waits for, fails the test it happens in.
 */
async function world(t: TestContext, config: Partial<NetworksConfig> = {}): Promise<NetworksWorld> {
  const made = await new NetworksWorld(config).open();
  t.after(async () => assert.deepEqual(await made.destroy(), [], "something of the networks is left on the machine"));
  await made.networks.ready;
  await made.networks.manager.create({ Name: "front" });
  return made;
}

/** A name server of the host that answers nobody, and says when it was asked. */
async function silentServer(t: TestContext): Promise<{ server: string; asked: Promise<unknown> }> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  t.after(() => socket.close());
  return { server: `127.0.0.1:${socket.address().port}`, asked: once(socket, "message") };
}

/** How a query of an outside name ends, in the words of its client. */
async function askOutside(w: NetworksWorld, container: ReturnType<NetworksWorld["container"]>): Promise<string> {
  const asked = w.exec(container, "busybox", "nslookup", "outside.example", "127.0.0.11");
  return asked.catch((error: { stdout?: string; stderr?: string }) => `${error.stdout ?? ""}${error.stderr ?? ""}`);
}

for (const unreachable of ["255.255.255.255", "0.0.0.0:1", "foo", "1.2.3.4:99999"]) {
  test(`an outside name is a failed query when the host's server is ${unreachable}`, async (t) => {
    const w = await world(t, { dns: { nameservers: [unreachable], search: [], options: [] } });
    await asksInVain(w, await w.start("client", { networkMode: "front" }));
  });
}

for (const unreachable of ["fd00::1", "255.255.255.255", "foo", "1.2.3.4:99999"]) {
  test(`an outside name is a failed query when the container's own server is ${unreachable}`, async (t) => {
    const w = await world(t);
    await asksInVain(w, await w.start("client", { networkMode: "front", hostConfig: { Dns: [unreachable] } }));
  });
}

test("a container without a way out is told so, over UDP and TCP", async (t) => {
  const w = await world(t);
  await w.networks.manager.create({ Name: "vault", Internal: true });
  const locked = await w.start("locked", { networkMode: "vault", hostConfig: { Dns: ["192.0.2.53"] } });
  assert.match(await askOutside(w, locked), /SERVFAIL/);
  const overTcp = await w.exec(locked, "bash", "-c", askTcp("outside.example"));
  assert.equal(overTcp.slice(4 + 2 * 3, 4 + 2 * 4), "82", "recursion available, SERVFAIL");
});

async function asksInVain(w: NetworksWorld, client: ReturnType<NetworksWorld["container"]>): Promise<void> {
  assert.match(await askOutside(w, client), /SERVFAIL/);
  assert.deepEqual(await w.resolve(client, "client"), [w.address(client, "front")], "other names are still served");
}

for (const servers of [1, 2]) {
  for (const own of [false, true]) {
    const where = own ? "in its own networks" : "of the host";
    test(`a container ends while it waits for the first of ${servers} silent server(s) ${where}`, async (t) => {
      const { server, asked } = await silentServer(t);
      const nameservers = Array<string>(servers).fill(server);
      const w = await world(t, { dns: { nameservers, search: [], options: [] } });
      const mute = await w.start("mute", { networkMode: "front" });
      // What it gets back is its own question, which answers nothing.
      w.echo(mute, 53);
      const Dns = own ? Array<string>(servers).fill(w.address(mute, "front")) : [];
      const settings = { networkMode: "front", hostConfig: { Dns } };
      const client = await w.start("client", settings);
      const script = `exec 3<>/dev/udp/127.0.0.11/53; printf '${octal(query("outside.example"))}' >&3; sleep 30`;
      const waiting = w.exec(client, "timeout", "3", "bash", "-c", script).catch(() => undefined);
      await (own ? sleep(500) : asked);
      await w.stop(client);
      await waiting;
      const again = await w.start("client", settings);
      assert.deepEqual(await w.resolve(again, "mute"), [w.address(mute, "front")]);
    });
  }
}

test("a flood of one container's queries is answered to nobody's cost", async (t) => {
  const { server } = await silentServer(t);
  const w = await world(t, { dns: { nameservers: [server], search: [], options: [] } });
  const [flooder, other] = [await w.start("flooder", { networkMode: "front" }), await w.start("other", { networkMode: "front" })];
  const script = `exec 3<>/dev/udp/127.0.0.11/53; for i in $(seq 3000); do printf '${octal(query("outside.example"))}' >&3; done`;
  await w.exec(flooder, "bash", "-c", script);
  assert.deepEqual(await w.resolve(other, "flooder"), [w.address(flooder, "front")]);
  assert.deepEqual(await w.resolve(flooder, "other"), [w.address(other, "front")]);
});

function query(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), ...labels, Buffer.from([0, 0, 1, 0, 1])]);
}

function octal(bytes: Buffer): string {
  return [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}

/** A shell that asks once over TCP and prints what came, length first, in hex. */
function askTcp(name: string): string {
  const asked = query(name);
  const framed = Buffer.concat([Buffer.from([0, asked.length]), asked]);
  return `exec 3<>/dev/tcp/127.0.0.11/53; printf '${octal(framed)}' >&3; timeout 5 dd bs=512 count=1 status=none <&3 | od -An -v -tx1 | tr -d ' \\n'`;
}
