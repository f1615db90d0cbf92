import {
  connectContainerd,
  decodeMetrics,
  startContainerd,
  type ContainerdClient,
  type SupervisedContainerd,
} from "@pouchcontainer/containerd";
import { ContainerUpdateConfig, decodeBody, type ContainerCreateConfig, type NetworkSettings } from "@pouchcontainer/api";
import {
  ContainerManager,
  EventBus,
  ExecManager,
  FifoKeeper,
  Store,
  VolumeManager,
  hostDevices,
  hostFacts,
  systemClock,
  systemMounter,
  type ContainerDeps,
  type ContainerNetworks,
  type ContainerRecord,
  type ImageSource,
  type PreStartHook,
  type VolumeRecord,
} from "@pouchcontainer/engine";
import { notFound } from "@pouchcontainer/errors";
import { FileWorkers } from "@pouchcontainer/files";
import { bodyOfRequest } from "@pouchcontainer/plugin-sdk/host";
import { Linux } from "@pouchcontainer/linux";
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const cgroupParent = "/pouch-it";
const chainId = "sha256:" + "b".repeat(64);

/** What a test may see and steer of the rooms around the containers. */
export interface Surroundings {
  hooks: PreStartHook[];
  connected: string[];
  connectError: Error | undefined;
  preCreate: (config: ContainerCreateConfig) => ContainerCreateConfig;
  /** Waits for what is under way with a container's networks. */
  forget: (containerId: string) => Promise<void>;
}

/** A containerd of its own with a small image in it, and daemons (the engine without HTTP) that come and go over one home. */
export class EngineHarness {
  readonly root: string;
  readonly client: ContainerdClient;
  readonly #containerd: SupervisedContainerd | undefined;

  /** Over the home and the containerd of another process's harness, for a daemon that is going to be killed. */
  static over(root: string): EngineHarness {
    return new EngineHarness(root, undefined, connectContainerd({ address: join(root, "c.sock"), namespace: "pouch-it" }));
  }

  static async start(): Promise<EngineHarness> {
    const root = mkdtempSync(join(tmpdir(), "pouch-it-"));
    const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const containerd = await startContainerd({
      root: join(root, "c"),
      state: join(root, "s"),
      address: join(root, "c.sock"),
      logFile: join(root, "containerd.log"),
      logger: quiet,
      env: process.env,
    });
    const client = connectContainerd({ address: join(root, "c.sock"), namespace: "pouch-it" });
    const harness = new EngineHarness(root, containerd, client);
    await harness.#makeImage();
    return harness;
  }

  private constructor(root: string, containerd: SupervisedContainerd | undefined, client: ContainerdClient) {
    this.root = root;
    this.#containerd = containerd;
    this.client = client;
  }

  get containerdPid(): number {
    return this.#containerd?.pid ?? 0;
  }

  async #makeImage(): Promise<void> {
    const snapshots = this.client.snapshots("overlayfs");
    const [mount] = await snapshots.prepare("image", "", { "containerd.io/gc.root": "2026-01-01T00:00:00Z" });
    const root = mount?.source ?? "";
    for (const folder of ["bin", "etc", "tmp", "proc", "sys", "dev", "data"]) mkdirSync(join(root, folder));
    copyFileSync("/bin/busybox", join(root, "bin/busybox"));
    for (const applet of [
      "sh",
      "cat",
      "echo",
      "sleep",
      "id",
      "ls",
      "seq",
      "head",
      "kill",
      "true",
      "yes",
      "env",
      "pwd",
      "stty",
      "tail",
      "ln",
      "mkdir",
      "mv",
      "rm",
      "test",
      "touch",
      "truncate",
    ])
      symlinkSync("busybox", join(root, "bin", applet));
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n");
    writeFileSync(join(root, "etc/group"), "root:x:0:root\nwebs:x:1001:\nextra:x:2000:web\n");
    writeFileSync(join(root, "data/seed"), "from the image\n");
    await snapshots.commit(chainId, "image", { "containerd.io/gc.root": "2026-01-01T00:00:00Z" });
  }

  /** A daemon over this home; `recover` has run. */
  async daemon(): Promise<Daemon> {
    const around: Surroundings = {
      hooks: [],
      connected: [],
      connectError: undefined,
      preCreate: (config) => config,
      forget: () => Promise.resolve(),
    };
    const store = Store.open(join(this.root, "home/store.db"));
    const clock = systemClock();
    const events = new EventBus({ clock });
    const linux = new Linux();
    const roots = { containers: join(this.root, "home/containers"), exec: join(this.root, "exec/containers") };
    for (const folder of Object.values(roots)) mkdirSync(folder, { recursive: true });
    const problems: string[] = [];
    const note = (message: string, fields?: Record<string, unknown>): void => {
      problems.push(`${message} ${JSON.stringify(fields ?? {})}`);
    };
    const makeFifo = (path: string): Promise<void> => linux.makeFifo(path);
    const keeper = new FifoKeeper({
      makeFifo,
      directory: join(this.root, "exec"),
      onUnavailable: (error) => note(String(error)),
    });
    const views = join(this.root, "exec/views");
    mkdirSync(views, { recursive: true });
    const files = new FileWorkers({ command: join(import.meta.dirname, "../bin/pouchd"), args: ["file-worker", views] });
    const records = store.containers<ContainerRecord>();
    const volumes = new VolumeManager({
      root: join(this.root, "home/volumes"),
      records: store.collection<VolumeRecord>("volumes"),
      chains: { preVolumeCreate: (config) => Promise.resolve(config), ask: () => Promise.resolve() },
      events,
      clock,
      mounter: systemMounter(),
      sizes: (folders) => files.sizesOf(folders),
      containersUsing: (name) => manager.usingVolume(name),
      warn: note,
    });
    const deps: ContainerDeps = {
      containerd: this.client,
      records,
      images: imageSource,
      chains: {
        preCreate: (config) => Promise.resolve(around.preCreate(config)),
        admitImage: () => undefined,
        preStart: () => Promise.resolve(around.hooks),
        preUpdate: (body) => Promise.resolve(body),
        postUpdate: (_rootfs, env) => Promise.resolve({ env }),
        change: (point, request) => Promise.resolve(bodyOfRequest(point, request)),
        ask: () => Promise.resolve(),
        tell: () => Promise.resolve(),
        tellAfterwards: () => undefined,
        adoptTrace: () => undefined,
        traceOf: () => [],
        forgetTrace: () => undefined,
      },
      networks: networks(around),
      volumes,
      files,
      events,
      clock,
      facts: hostFacts(),
      configSettings: {
        runtimes: ["runc"],
        defaultRuntime: "runc",
        logDrivers: ["json-file", "local", "none"],
        defaultLogConfig: { Type: "json-file", Config: {} },
        defaultShmSize: 64 << 20,
        defaultIpcMode: "private",
        defaultCgroupnsMode: "",
        cgroupDriver: "cgroupfs",
        defaultUlimits: [],
        hostname: "host",
        domainname: "",
        defaultStopTimeoutSeconds: 10,
      },
      specSettings: {
        cgroupDriver: "cgroupfs",
        cgroupParent,
        initByDefault: false,
        defaultUlimits: [],
        recursiveReadOnly: false,
      },
      devices: hostDevices(),
      mountInfo: () => readFileSync("/proc/self/mountinfo", "utf8"),
      boot: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
      stdio: {
        makeFifo,
        enlargePipe: (fd, size) => linux.enlargePipe(fd, size),
        keeper,
        ...(linux.direct && { journal: linux }),
        buffer: Buffer.alloc(256 * 1024),
      },
      roots,
      runtimeRoots: { bundles: [join(this.root, "s/io.containerd.runtime.v2.task/pouch-it")] },
      runtime: () => ({ name: "io.containerd.runc.v2" }),
      defaultSnapshotter: "overlayfs",
      decodeUpdate: (value) => decodeBody(ContainerUpdateConfig, value),
      decodeMetrics,
      log: { info: () => undefined, warn: note, error: note },
    };
    const manager: ContainerManager = new ContainerManager(deps);
    const exec = new ExecManager({ room: manager.room });
    await manager.recover();
    return new Daemon(manager, exec, events, around, problems, async () => {
      await manager.suspend();
      await files.close();
      keeper.close();
      await store.close();
    });
  }

  /** Ids of what is left in containerd beside the image. */
  async leftovers(): Promise<string[]> {
    const [containers, tasks, snapshots] = await Promise.all([
      this.client.containers.list(),
      this.client.tasks.list(),
      this.client.snapshots("overlayfs").list(),
    ]);
    return [
      ...containers.map(({ id }) => `container ${id}`),
      ...tasks.map(({ containerId }) => `task ${containerId}`),
      ...snapshots.filter(({ name }) => name !== chainId).map(({ name }) => `snapshot ${name}`),
    ];
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.#containerd?.stop();
    const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    for (const line of mounts.reverse()) {
      const place = line.split(" ")[4] ?? "";
      if (place.startsWith(`${this.root}/`)) execFileSync("umount", ["-l", place]);
    }
    rmSync(this.root, { recursive: true, force: true });
    // The parent group of the containers' own, one per hierarchy with cgroup v1.
    for (const hierarchy of readdirSync("/sys/fs/cgroup", { withFileTypes: true }))
      if (hierarchy.isDirectory()) removeGroup(join("/sys/fs/cgroup", hierarchy.name, cgroupParent));
    removeGroup(join("/sys/fs/cgroup", cgroupParent));
  }
}

function removeGroup(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Not there in this hierarchy.
  }
}

export class Daemon {
  readonly containers: ContainerManager;
  readonly exec: ExecManager;
  readonly events: EventBus;
  readonly around: Surroundings;
  /** Warnings and errors it logged. */
  readonly problems: string[];
  /** Leaves as on a graceful stop: containers run on. */
  readonly leave: () => Promise<void>;

  constructor(
    containers: ContainerManager,
    exec: ExecManager,
    events: EventBus,
    around: Surroundings,
    problems: string[],
    leave: () => Promise<void>,
  ) {
    this.containers = containers;
    this.exec = exec;
    this.events = events;
    this.around = around;
    this.problems = problems;
    this.leave = leave;
  }

  async create(command: string[], more: Partial<ContainerCreateConfig> = {}): Promise<string> {
    const { HostConfig, ...config } = more;
    const { Id } = await this.containers.create({
      Image: "busybox",
      Cmd: command,
      ...config,
      HostConfig: { NetworkMode: "none", ...HostConfig },
    });
    return Id;
  }

  async run(
    command: string[],
    more: Partial<ContainerCreateConfig> = {},
  ): Promise<{ id: string; exitCode: number; output: string }> {
    const id = await this.create(command, more);
    const exited = this.waitFor(id, "next-exit");
    await this.containers.start(id);
    const exitCode = await exited;
    return { id, exitCode, output: more.HostConfig?.AutoRemove ? "" : await this.logs(id) };
  }

  async waitFor(id: string, condition: "not-running" | "next-exit" | "removed" = "not-running"): Promise<number> {
    const { StatusCode } = await this.containers.wait(id, condition, new AbortController().signal).result;
    return StatusCode;
  }

  async logs(id: string): Promise<string> {
    const query = { stdout: true, stderr: true, follow: false, timestamps: false, details: false };
    const { output } = await this.containers.logs(id, query, new AbortController().signal);
    return textOf(output);
  }

  async remove(id: string): Promise<void> {
    await this.containers.remove(id, { force: true, volumes: true, link: false });
  }

  pastEvents(id: string): string[] {
    return this.#past.filter((event) => event.startsWith(id)).map((event) => event.slice(id.length + 1));
  }

  /** Called by the tests that look at events: from then on they are kept. */
  recordEvents(): void {
    void (async () => {
      for await (const { Actor, Action, Type } of this.events.subscribe({ filters: {} }, new AbortController().signal))
        if (Type === "container") this.#past.push(`${Actor.ID} ${Action}`);
    })();
  }
  readonly #past: string[] = [];
}

export async function textOf(output: AsyncIterable<{ data: Uint8Array }>): Promise<string> {
  let text = "";
  for await (const { data } of output) text += Buffer.from(data).toString("utf8");
  return text;
}

export async function eventually(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const imageSource: ImageSource = {
  resolve: (reference) =>
    reference === "busybox"
      ? Promise.resolve({
          id: "sha256:" + "a".repeat(64),
          reference: "docker.io/library/busybox:latest",
          manifestDigest: "sha256:" + "c".repeat(64),
          architecture: "amd64",
          os: "linux",
          config: { Env: ["PATH=/bin"] },
          chainId,
        })
      : Promise.reject(notFound(`No such image: ${reference}`)),
  ensureUnpacked: () => Promise.resolve(),
  newName: () => undefined,
  makeOnTop: () => Promise.reject(notFound("images are not made here")),
};

/** Networks `none` and `host`; what is connected is only noted down. */
function networks(around: Surroundings): ContainerNetworks {
  const settings: NetworkSettings = {
    Bridge: "",
    SandboxID: "",
    SandboxKey: "",
    Ports: {},
    EndpointID: "",
    Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    IPAddress: "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    MacAddress: "",
    Networks: {},
  };
  return {
    validate: () => Promise.resolve(),
    prepare: () => Promise.resolve({}),
    connect: ({ id }) => {
      if (around.connectError) return Promise.reject(around.connectError);
      around.connected.push(id);
      return Promise.resolve();
    },
    release: () => Promise.resolve(),
    linkEnvironment: () => [],
    settings: () => settings,
    rename: () => Promise.resolve(),
    forget: (id) => around.forget(id),
    holding: () => [],
    restore: () => Promise.resolve(),
  };
}
