/**
 * What networks cost, beside CNI's bridge + portmap + firewall: up and down, many at once, connect and disconnect, names,
 * throughput. Needs root; makes bridges, namespaces and rules under names of its own and removes them.
 * Usage: node --experimental-ffi benchmarks/networks.ts [rounds]
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import packet from "dns-packet";
import { CniRunner } from "../packages/engine/src/networks/cni/cni-runner.ts";
import type { CniNetworkList } from "../packages/engine/src/networks/cni/cni-config.ts";
import { freeSubnet } from "../integration/harness/free-subnet.ts";
import { NetworksWorld, run } from "../integration/networks-world.ts";

const rounds = Number(process.argv[2] ?? 30);

if (process.argv[2] === "--ask") await ask(process.argv[3] ?? "");
else if (process.argv[2] === "--count") await count(Number(process.argv[3]));
else await main();

async function main(): Promise<void> {
  const world = await new NetworksWorld().open();
  try {
    await world.networks.ready;
    await world.networks.manager.create({ Name: "front" });
    await world.networks.manager.create({ Name: "back" });
    for (const [what, mode] of [
      ["none", "none"],
      ["default bridge, one published port", "bridge"],
      ["user-defined bridge with names, one published port", "front"],
    ] as const) {
      const { up, down } = await upAndDown(world, mode);
      report(what, `${figures(up)} up, ${figures(down)} down`);
    }
    const cni = await cniUpAndDown(world);
    report("CNI bridge + portmap + firewall", `${figures(cni.up)} up, ${figures(cni.down)} down`);
    report("50 at once, default bridge, one port each", await fifty(world));
    report("connect and disconnect of a running container", figures(await reconnect(world)));
    report("names, 64 queries in flight", await names(world));
    report("throughput, container to container", await throughput(world));
  } finally {
    const left = await world.destroy();
    if (left.length > 0) process.stderr.write(`left on the machine: ${left.join(" ")}\n`);
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function upAndDown(world: NetworksWorld, mode: string): Promise<{ up: number[]; down: number[] }> {
  const up: number[] = [];
  const down: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const container = world.container(`${mode}-${round}`, {
      networkMode: mode,
      hostConfig: mode === "none" ? {} : { PortBindings: { "80/tcp": [{ HostPort: "18900" }] } },
    });
    up.push(await timed(() => world.networks.sandboxes.prepare(container, { deferConnect: false })));
    down.push(await timed(() => world.networks.sandboxes.release(container.id)));
  }
  return { up, down };
}

async function cniUpAndDown(world: NetworksWorld): Promise<{ up: number[]; down: number[] }> {
  const runner = new CniRunner({ binDirectories: world.config.cniBinDirectories, env: process.env });
  const bridge = `b${world.tag}cni`;
  const routes = [{ dst: "0.0.0.0/0" }];
  const ipam = { type: "host-local", dataDir: `${world.root}/leases`, subnet: freeSubnet().cidr, routes };
  const list: CniNetworkList = {
    cniVersion: "0.4.0",
    name: "bench",
    plugins: [
      { type: "bridge", bridge, isGateway: true, ipMasq: true, ipam },
      { type: "portmap", capabilities: { portMappings: true } },
      { type: "firewall" },
    ],
  };
  const up: number[] = [];
  const down: number[] = [];
  const tables = await listTables();
  try {
    for (let round = 0; round < Math.min(rounds, 10); round++) {
      const container = world.container(`cni-${round}`, { networkMode: "none" });
      await world.networks.sandboxes.prepare(container, { deferConnect: false });
      const target = {
        containerId: container.id,
        netnsPath: world.netns(container),
        interfaceName: "eth0",
        runtimeConfig: { portMappings: [{ hostPort: 18901, containerPort: 80, protocol: "tcp" }] },
      };
      let result = {};
      up.push(await timed(async () => (result = await runner.add(list, target))));
      down.push(await timed(() => runner.remove(list, target, result)));
      await world.networks.sandboxes.release(container.id);
    }
  } finally {
    await run("ip", ["link", "delete", bridge]).catch(() => undefined);
    // The plugins leave their chains behind.
    for (const table of await listTables())
      if (!tables.includes(table)) await run("nft", ["delete", "table", ...table.split(" ")]);
  }
  return { up, down };
}

/** `ip nat`, `ip filter`: the tables iptables makes when it is first used. */
async function listTables(): Promise<string[]> {
  const { stdout } = await run("nft", ["list", "tables"]);
  return stdout.split("\n").flatMap((line) => (/^table ip6? (nat|filter)$/.test(line) ? [line.slice("table ".length)] : []));
}

async function fifty(world: NetworksWorld): Promise<string> {
  const containers = Array.from({ length: 50 }, (_, index) =>
    world.container(`many-${index}`, { hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "" }] } } }),
  );
  const { sandboxes } = world.networks;
  const up = await timed(() => Promise.all(containers.map((container) => sandboxes.prepare(container, { deferConnect: false }))));
  const down = await timed(() => Promise.all(containers.map((container) => sandboxes.release(container.id))));
  return `${up.toFixed(0)} ms up, ${down.toFixed(0)} ms down`;
}

async function reconnect(world: NetworksWorld): Promise<number[]> {
  const container = await world.start("mover", { networkMode: "front" });
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    samples.push(
      await timed(async () => {
        await world.networks.manager.connect("back", { Container: container.id });
        await world.networks.manager.disconnect("back", { Container: container.id });
      }),
    );
  }
  await world.stop(container);
  return samples;
}

async function names(world: NetworksWorld): Promise<string> {
  const client = await world.start("client", { networkMode: "front" });
  await world.start("server", { networkMode: "front" });
  return await world.exec(client, process.execPath, import.meta.filename, "--ask", "server");
}

/** Runs inside the container's namespace: asks for a name for two seconds, 64 queries in flight. */
async function ask(name: string): Promise<void> {
  const socket = createSocket("udp4");
  const sent = new Map<number, number>();
  const latencies: number[] = [];
  let id = 0;
  const template = packet.encode({ type: "query", id: 0, flags: packet.RECURSION_DESIRED, questions: [{ type: "A", name }] });
  const send = () => {
    id = (id + 1) & 0xffff;
    const query = Buffer.from(template);
    query.writeUInt16BE(id, 0);
    sent.set(id, performance.now());
    socket.send(query, 53, "127.0.0.11");
  };
  const until = performance.now() + 2_000;
  socket.on("message", (answer) => {
    const at = sent.get(answer.readUInt16BE(0));
    const answered = answer.readUInt16BE(6) > 0;
    if (at === undefined || !answered) return;
    sent.delete(answer.readUInt16BE(0));
    latencies.push(performance.now() - at);
    if (performance.now() < until) send();
    else socket.close();
  });
  for (let index = 0; index < 64; index++) send();
  await once(socket, "close");
  latencies.sort((a, b) => a - b);
  const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? NaN;
  process.stdout.write(`${Math.round(latencies.length / 2)} per second, p99 ${p99.toFixed(2)} ms`);
}

async function throughput(world: NetworksWorld): Promise<string> {
  const megabytes = 500;
  const [source, sink] = [await world.start("source"), await world.start("sink")];
  const counted = world.exec(sink, process.execPath, import.meta.filename, "--count", "5001");
  const isListening = async () => / \S+:5001 /.test(await world.exec(sink, "ss", "-ltn"));
  while (!(await isListening())) await new Promise((resolve) => setTimeout(resolve, 50));
  const milliseconds = await timed(async () => {
    await world.exec(
      source,
      "bash",
      "-c",
      `dd if=/dev/zero bs=1M count=${megabytes} status=none >/dev/tcp/${world.address(sink)}/5001`,
    );
    await counted;
  });
  return `${((Number(await counted) * 8) / 1e6 / milliseconds).toFixed(2)} Gbit/s`;
}

/** Runs inside the receiving container's namespace: counts what one client sends. */
async function count(port: number): Promise<void> {
  const server = createServer();
  server.listen(port);
  const [client] = (await once(server, "connection")) as [Socket];
  let bytes = 0;
  client.on("data", (chunk: Buffer) => (bytes += chunk.length));
  await once(client, "end");
  server.close();
  client.destroy();
  process.stdout.write(String(bytes));
}

function figures(samples: number[]): string {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1);
  return `${at(0.5)} ms (fastest ${at(0)}, p90 ${at(0.9)})`;
}

function report(what: string, text: string): void {
  process.stdout.write(`${what.padEnd(54)} ${text}\n`);
}
