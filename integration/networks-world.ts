import { bodyOfRequest } from "@pouchcontainer/plugin-sdk/host";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createSocket, type Socket } from "node:dgram";
import { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { EndpointSettings } from "@pouchcontainer/api";
import { notFound } from "@pouchcontainer/errors";
import { Libc } from "@pouchcontainer/linux";
import { freeSubnet } from "./harness/free-subnet.ts";
import { hostLinks } from "./harness/host-links.ts";
import { networksConfig } from "../packages/engine/src/networks/default-networks-config.ts";
import type { NetworkContainers, NetworkedContainer } from "../packages/engine/src/networks/container-networks.ts";
import type { NetworksConfig } from "../packages/engine/src/networks/network-config.ts";
import { openNetworks, type Networks } from "../packages/engine/src/networks/open-networks.ts";
import { NetworkNamespaces } from "../packages/engine/src/networks/linux/network-namespaces.ts";
import { bindSocket } from "../packages/engine/src/networks/ports/host-sockets.ts";
import type { Endpoint } from "../packages/engine/src/plugin-host/chains.ts";
import { Store } from "../packages/engine/src/store/index.ts";

export const run = promisify(execFile);

/** Short, so that it and what a network adds are a name of an interface: two worlds may well draw the same. */
const bridgePrefixOf = (tag: string): string => `b${tag.slice(0, 2)}`;

function freeTag(): string {
  for (;;) {
    const tag = randomBytes(2).toString("hex");
    if (!hostLinks().some((name) => name.startsWith(bridgePrefixOf(tag)) || name.startsWith(`v${tag}`))) return tag;
  }
}

type Settings = Partial<
  Pick<
    NetworkedContainer,
    "macAddress" | "links" | "networkMode" | "hostConfig" | "exposedPorts" | "endpoints" | "hostname" | "env"
  >
>;

function loadedLibc(): Libc {
  const libc = Libc.load();
  assert.ok(libc, "these tests run with --experimental-ffi");
  return libc;
}

/**
 * The network room with real namespaces, bridges and rules, and a container room that only remembers. Every world has
 * names of its own, so two of them live side by side, and leaves nothing behind.
 */
export class NetworksWorld {
  readonly root: string;
  readonly tag: string;
  readonly config: NetworksConfig;
  readonly events: { action: string; name: string; container: string | undefined }[] = [];
  readonly warnings: string[] = [];
  readonly containers = new Map<string, NetworkedContainer>();
  readonly running = new Set<string>();
  /** What stands in for the plugins. */
  changeEndpoint: (endpoint: Endpoint) => Endpoint = (endpoint) => endpoint;
  networks!: Networks;
  env: NodeJS.ProcessEnv = process.env;
  #store!: Store;
  #servers: { close(): unknown }[] = [];
  #libc = loadedLibc();

  constructor(config: Partial<NetworksConfig> & { root?: string; tag?: string } = {}) {
    this.root = config.root ?? mkdtempSync(join(tmpdir(), "networks-"));
    this.tag = config.tag ?? freeTag();
    this.config = networksConfig({
      namespacesDirectory: join(this.root, "netns"),
      bridge: { name: `pt${this.tag}`, bip: `${freeSubnet().prefix}1/24`, ipv6: false, interContainer: true, masquerade: true },
      defaultPools: Array.from({ length: 8 }, () => ({ base: freeSubnet().cidr, size: 24 })),
      nftTable: `pouch_${this.tag}`,
      bridgePrefix: bridgePrefixOf(this.tag),
      vethPrefix: `v${this.tag}`,
      verifyRulesMilliseconds: 0,
      ...config,
    });
  }

  async open(): Promise<this> {
    this.#store = Store.open(join(this.root, "store.db"));
    const containers: NetworkContainers = {
      find: (ref) => {
        const all = [...this.containers.values()];
        const container = all.find(({ id, name }) => id === ref || name === ref) ?? all.find(({ id }) => id.startsWith(ref));
        if (!container) throw notFound(`No such container: ${ref}`);
        return { container, running: this.running.has(container.id) };
      },
      locked: (ref, work) => Promise.resolve().then(() => work(containers.find(ref))),
      saveEndpoints: async (id, endpoints) => {
        const container = this.containers.get(id);
        if (container) Object.assign(container, { endpoints, endpointsSettled: true });
        await Promise.resolve();
      },
    };
    this.networks = await openNetworks({
      config: this.config,
      store: this.#store,
      chains: {
        change: (point, request) => Promise.resolve(bodyOfRequest(point, request)),
        preCreateEndpoint: (_id, _env, endpoint) => Promise.resolve(this.changeEndpoint(endpoint)),
      },
      events: {
        publish: (event) =>
          void this.events.push({
            action: event.action,
            name: event.attributes["name"] ?? "",
            container: event.attributes["container"],
          }),
      },
      containers,
      env: this.env,
      warn: (message) => void this.warnings.push(message),
    });
    return this;
  }

  /** As a daemon that ends and starts again. */
  async reopen(): Promise<void> {
    await this.shut();
    await this.open();
    await this.networks.sandboxes.restore(this.runningContainers());
  }

  async shut(): Promise<void> {
    await this.networks.close();
    await this.#store.close();
  }

  runningContainers(): NetworkedContainer[] {
    return [...this.containers.values()].filter((container) => this.running.has(container.id));
  }

  container(name: string, settings: Settings = {}): NetworkedContainer {
    const id = randomBytes(32).toString("hex");
    const container: NetworkedContainer = {
      id,
      name,
      hostname: id.slice(0, 12),
      domainname: "",
      env: [],
      labels: {},
      image: "none",
      macAddress: "",
      networkMode: "bridge",
      hostConfig: {},
      exposedPorts: [],
      links: [],
      endpoints: {},
      filesDirectory: join(this.root, "files", name),
      ...settings,
    };
    this.containers.set(id, container);
    return container;
  }

  async start(name: string, settings: Settings = {}): Promise<NetworkedContainer> {
    const container = [...this.containers.values()].find((each) => each.name === name) ?? this.container(name, settings);
    await this.networks.sandboxes.prepare(container, { deferConnect: false });
    this.running.add(container.id);
    return container;
  }

  async stop(container: NetworkedContainer): Promise<void> {
    this.running.delete(container.id);
    await this.networks.sandboxes.release(container.id);
  }

  /** A machine on another wire of the host. It has no route to the containers unless `routes` names their subnets. */
  async outside(routes: string[] = []): Promise<{
    machine: NetworkedContainer;
    address: string;
    address6: string;
    hostAddress: string;
    hostAddress6: string;
  }> {
    const machine = this.container(`outside-${this.containers.size}`, { networkMode: "none" });
    await this.networks.sandboxes.prepare(machine, { deferConnect: false });
    const { prefix, prefix6 } = freeSubnet();
    const [hostAddress, address] = [`${prefix}1`, `${prefix}2`];
    const [hostAddress6, address6] = [`${prefix6}1`, `${prefix6}2`];
    const link = `${this.config.vethPrefix}o${this.containers.size}`;
    await run("ip", ["link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", this.netns(machine)]);
    await run("ip", ["address", "add", `${hostAddress}/24`, "dev", link]);
    await run("ip", ["address", "add", `${hostAddress6}/64`, "dev", link, "nodad"]);
    await run("sysctl", ["-qw", `net.ipv6.conf.${link}.accept_dad=0`]);
    await this.exec(machine, "sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0");
    await run("ip", ["link", "set", link, "up"]);
    await this.exec(machine, "ip", "address", "add", `${address}/24`, "dev", "eth0");
    await this.exec(machine, "ip", "address", "add", `${address6}/64`, "dev", "eth0", "nodad");
    await this.exec(machine, "ip", "link", "set", "eth0", "up");
    for (const route of routes) await this.exec(machine, "ip", "route", "add", route, "via", hostAddress);
    return { machine, address, address6, hostAddress, hostAddress6 };
  }

  netns(container: NetworkedContainer): string {
    return join(this.config.namespacesDirectory, container.id);
  }

  /** Runs a program in the container's network namespace. */
  async exec(container: NetworkedContainer, ...command: string[]): Promise<string> {
    const { stdout } = await run("nsenter", [`--net=${this.netns(container)}`, ...command], { timeout: 20_000 });
    return stdout;
  }

  file(container: NetworkedContainer, name: "hosts" | "resolv.conf" | "hostname"): string {
    return readFileSync(join(container.filesDirectory, name), "utf8");
  }

  endpoint(container: NetworkedContainer, network: string): EndpointSettings {
    return this.networks.sandboxes.settings(container).Networks[network] ?? {};
  }

  address(container: NetworkedContainer, network = "bridge"): string {
    return this.endpoint(container, network).IPAddress ?? "";
  }

  /** The network's first subnet and its gateway. */
  async pool(network: string): Promise<{ subnet: string; gateway: string }> {
    const { Config } = (await this.networks.manager.inspect(network, { verbose: false })).IPAM;
    return { subnet: Config?.[0]?.Subnet ?? "", gateway: Config?.[0]?.Gateway ?? "" };
  }

  /** A UDP service in the container that sends everything back, with a text before it. */
  echo(container: NetworkedContainer, port: number, text = ""): void {
    const socket = this.udpSocket(container, port);
    socket.on("message", (message, from) => socket.send(`${text}${message.toString("latin1")}`, from.port, from.address));
  }

  /** A UDP socket in the container's namespace; 0 for any port. */
  udpSocket(container: NetworkedContainer, port: number): Socket {
    const namespaces = new NetworkNamespaces({ libc: this.#libc, directory: this.config.namespacesDirectory });
    const fd = namespaces.within(this.netns(container), () => bindSocket(this.#libc, "udp", "0.0.0.0", port));
    namespaces.close();
    const socket = createSocket("udp4");
    socket.on("error", () => undefined); // Of one datagram.
    socket.bind({ fd: fd ?? -1 });
    this.#servers.push(socket);
    return socket;
  }

  /** A TCP service in the container that greets with its text and hangs up. */
  serve(container: NetworkedContainer | undefined, port: number, text: string, address = "0.0.0.0"): void {
    const bind = () => bindSocket(this.#libc, "tcp", address, port);
    let fd: number | undefined;
    if (container) {
      const namespaces = new NetworkNamespaces({ libc: this.#libc, directory: this.config.namespacesDirectory });
      fd = namespaces.within(this.netns(container), bind);
      namespaces.close();
    } else fd = bind();
    const server = new Server((client) => {
      client.on("error", () => undefined);
      client.end(`${text} ${client.remoteAddress}\n`);
    });
    server.listen({ fd: fd ?? -1 });
    this.#servers.push(server);
  }

  /**
   * What a client in the container's namespace (or on the host) hears; undefined when nothing comes within that time, which is short
   * only where nothing is to come: a busy machine takes its time, and the first packet into a bridge that was just made may be lost.
   */
  async hear(
    container: NetworkedContainer | undefined,
    address: string,
    port: number,
    seconds = 10,
  ): Promise<string | undefined> {
    const command = ["busybox", "nc", "-w", String(seconds), address, String(port)];
    try {
      const program = container ? ["nsenter", `--net=${this.netns(container)}`, ...command] : command;
      const { stdout } = await run(program[0] ?? "", program.slice(1), { timeout: (seconds + 3) * 1_000 });
      return stdout.trim() === "" ? undefined : stdout.trim();
    } catch {
      return undefined;
    }
  }

  /** Whether an answer comes to one of the packets that are sent for that long, which is short only where none is to come. */
  async pings(container: NetworkedContainer, address: string, seconds = 15): Promise<boolean> {
    const deadline = performance.now() + seconds * 1000;
    do {
      const answered = await this.exec(container, "busybox", "ping", "-c", "1", "-W", "1", address).then(
        () => true,
        () => false,
      );
      if (answered) return true;
    } while (performance.now() < deadline);
    return false;
  }

  /** Addresses a name has for the container, by its resolver; empty when it says there is no such name. */
  async resolve(container: NetworkedContainer, name: string): Promise<string[]> {
    const answer = await this.exec(container, "busybox", "nslookup", name, "127.0.0.11").catch(
      (error: { stdout?: string }) => error.stdout ?? "",
    );
    return [...answer.matchAll(/^Address:? ?\d*:? +([0-9a-f.:]+)$/gim)]
      .map((match) => match[1] ?? "")
      .filter((address) => !address.startsWith("127.0.0.11"));
  }

  async nft(): Promise<string> {
    return (await run("nft", ["list", "table", "inet", this.config.nftTable])).stdout;
  }

  /** Takes everything away and says what is still there. */
  async destroy(): Promise<string[]> {
    for (const server of this.#servers) server.close();
    for (const container of this.containers.values()) await this.networks.sandboxes.release(container.id);
    await this.networks.destroy();
    await this.#store.close();
    let left = this.leftovers();
    // The kernel takes namespaces apart behind our back.
    for (let tries = 0; left.length > 0 && tries < 400; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      left = this.leftovers();
    }
    rmSync(this.root, { recursive: true, force: true });
    return left;
  }

  leftovers(): string[] {
    const left: string[] = [];
    const mounts = readFileSync("/proc/mounts", "utf8");
    if (mounts.includes(this.root)) left.push("mount");
    if (existsSync(this.config.namespacesDirectory)) left.push(...readdirSync(this.config.namespacesDirectory));
    for (const name of hostLinks())
      if (name.startsWith(this.config.vethPrefix) || name.startsWith(this.config.bridge.name)) left.push(name);
    return left;
  }
}
