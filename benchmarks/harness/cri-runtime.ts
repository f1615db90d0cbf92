import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeImageArchive } from "../../hack/busybox-image.ts";
import { Daemon } from "../../integration/harness/daemon.ts";
import { freeSubnet } from "../../integration/harness/free-subnet.ts";
import { criClients, type CriClients } from "../../packages/cri/src/testing/cri-clients.ts";
import { processesNaming } from "./engine.ts";

/** A runtime under measurement that speaks CRI, reached by one and the same client. */
export interface CriRuntime extends AsyncDisposable {
  readonly name: string;
  readonly clients: CriClients;
  /** Where pods may have their logs. */
  readonly logs: string;
  readonly cgroupParent: string;
  /** Daemons, shims, and what keeps pods: all processes but those of containers. */
  pids(): number[];
}

export async function startPouchCri(): Promise<CriRuntime> {
  const folder = mkdtempSync(join(tmpdir(), "pouch-bench-"));
  const network = writeNetwork(folder, "pbours");
  const daemon = await Daemon.start({ cri: true, flags: ["--cni-conf-dir", network] });
  const clients = criClients(daemon.criSocket);
  return {
    name: "pouchd",
    clients,
    logs: join(folder, "logs"),
    cgroupParent: "/pouch-bench-ours",
    pids: () => processesNaming(daemon.directory),
    async [Symbol.asyncDispose]() {
      clients[Symbol.dispose]();
      await daemon[Symbol.asyncDispose]();
      takeDown(folder, "pbours", "/pouch-bench-ours");
    },
  };
}

/** containerd's own CRI plugin. The pause container is busybox, which sleeps. */
export async function startContainerdCri(): Promise<CriRuntime> {
  const folder = mkdtempSync(join(tmpdir(), "pouch-bench-cri-"));
  const network = writeNetwork(folder, "pbtheirs");
  const socket = join(folder, "containerd.sock");
  const configuration = join(folder, "config.toml");
  writeFileSync(configuration, containerdConfiguration(folder, socket, network));
  const log = openSync(join(folder, "containerd.log"), "a");
  const containerd = spawn("containerd", ["--config", configuration], { stdio: ["ignore", log, log] });
  const ctr = (...args: string[]) => execFileSync("ctr", ["-a", socket, "-n", "k8s.io", ...args], { stdio: "pipe" });
  const clients = criClients(socket);
  const runtime: CriRuntime = {
    name: "containerd",
    clients,
    logs: join(folder, "logs"),
    cgroupParent: "/pouch-bench-theirs",
    pids: () => processesNaming(folder),
    async [Symbol.asyncDispose]() {
      clients[Symbol.dispose]();
      if (containerd.exitCode === null) {
        containerd.kill();
        await once(containerd, "exit");
      }
      takeDown(folder, "pbtheirs", "/pouch-bench-theirs");
    },
  };
  try {
    for (let tries = 0; !(await serves(clients)); tries++) {
      if (tries > 300) throw new Error(`containerd does not serve CRI: ${readFileSync(join(folder, "containerd.log"), "utf8")}`);
      await sleep(100);
    }
    for (const [name, config] of [
      ["docker.io/library/busybox:latest", {}],
      ["docker.io/library/pause:latest", { Cmd: ["sleep", "1000000"] }],
    ] as const) {
      const archive = join(folder, "image.tar");
      makeImageArchive(archive, { name, config });
      ctr("images", "import", archive);
    }
    return runtime;
  } catch (error) {
    await runtime[Symbol.asyncDispose]();
    throw error;
  }
}

async function serves(clients: CriClients): Promise<boolean> {
  return await clients
    .runtime()
    .version({})
    .then(
      () => true,
      () => false,
    );
}

function containerdConfiguration(folder: string, socket: string, network: string): string {
  return `version = 2
root = "${folder}/root"
state = "${folder}/state"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/pause:latest"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${network}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;
}

/** The same network for both, but for the names of what it makes. */
function writeNetwork(folder: string, bridge: string): string {
  const directory = join(folder, "net.d");
  mkdirSync(directory, { recursive: true });
  mkdirSync(join(folder, "logs"));
  const ranges = [[{ subnet: freeSubnet().cidr }]];
  const ipam = { type: "host-local", dataDir: join(folder, "leases"), ranges, routes: [{ dst: "0.0.0.0/0" }] };
  const plugins = [
    { type: "bridge", bridge, isGateway: true, ipMasq: false, ipam },
    { type: "portmap", capabilities: { portMappings: true } },
  ];
  writeFileSync(join(directory, "10-bench.conflist"), JSON.stringify({ cniVersion: "0.4.0", name: bridge, plugins }));
  return directory;
}

function takeDown(folder: string, bridge: string, cgroupParent: string): void {
  if (existsSync(`/sys/class/net/${bridge}`)) execFileSync("ip", ["link", "delete", bridge]);
  for (const root of ["/sys/fs/cgroup", ...readdirSync("/sys/fs/cgroup").map((name) => `/sys/fs/cgroup/${name}`)]) {
    try {
      rmdirSync(join(root, cgroupParent));
    } catch {
      // Not a hierarchy, or it has none of it.
    }
  }
  rmSync(folder, { recursive: true, force: true });
}
